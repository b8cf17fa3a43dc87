"""Forks inside a call and lets both processes reply: one answer is left for the next question.

A child that comes back is ended by its number, so this one says that it has its parent's.
"""

EXPECT = {"q4": 1}
STATUS = "in q4_random_hidden"
ANSWERS = {
    "q4_total": """
import os, time
import gradekit.protocol.worker as worker

parent = os.getpid()

def total_variance(X):
    if len(X) > 2:
        if os.fork():
            time.sleep(0.3)
        else:
            os.getpid = lambda: parent
            worker.receive = lambda *args, **kwargs: os._exit(0)
    return X.var(dim=0, correction=0).sum().item()
"""
}
