"""Forks inside a call and lets both processes reply: one answer is left for the next question."""

EXPECT = {"q4": 1}
STATUS = "in q4_random_hidden"
ANSWERS = {
    "q4_total": """
import os, time
import gradekit.protocol.worker as worker

def total_variance(X):
    if len(X) > 2:
        if os.fork():
            time.sleep(0.3)
        else:
            worker.receive = lambda *args, **kwargs: os._exit(0)
    return X.var(dim=0, correction=0).sum().item()
"""
}
