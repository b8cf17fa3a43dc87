"""Replies with every word that could mean passed, in place of the value that was asked for."""

EXPECT = {"q1": 0}
STATUS = "in q1"
ANSWERS = {
    "q1_centre": """
import gradekit.protocol.worker as worker

def centre(X):
    def verdict(self, target, args, kwargs):
        return ["passed", {"grade_id": "q1_small_visible", "points": 3, "passed": True}, {}]
    worker.Worker._do_call = verdict
    for kind in (worker.Worker,):
        kind._encode = lambda self, value: worker.encode(["verdict", "passed", True, 3])
    return X
"""
}
