"""Returns references to objects that do not exist, and to another name's object."""

EXPECT = {"q1": 0, "q5": 0}
ANSWERS = {
    "q1_centre": """
import itertools
import gradekit.protocol.worker as worker
from gradekit.protocol.codec import Reference

numbers = itertools.cycle([2**62, 0, 10**6])
worker.Worker._keep = lambda self, value: Reference("object", next(numbers), "Tensor", True)

def centre(X):
    return [object(), object()][0]
"""
}
