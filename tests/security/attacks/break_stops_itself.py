"""Stops its own process with SIGSTOP in the middle of a call."""

EXPECT = {"q1": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
import os, signal

def centre(X):
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        signal.pause()
"""
}
