"""Replies with references to names on the other side, and to objects that were never sent."""

EXPECT = {"q1": 0}
STATUS = "in q1"
ANSWERS = {
    "q1_centre": """
import gradekit.protocol.worker as worker
from gradekit.protocol.codec import Reference

class Mine:
    pass

def keep(self, value):
    return Reference("given", 0, "expected", True)

def centre(X):
    worker.Worker._keep = keep
    return Mine()
"""
}
