"""Answers, and lets a thread write the right numbers into the answer's memory afterwards."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import threading, time

def centre(X):
    answer = X.clone()
    def later():
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            answer.copy_(X - X.mean(dim=0))
            time.sleep(0.01)
    threading.Timer(0.05, later).start()
    return answer
"""
}
