"""Starts threads until it can't."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import threading, time

def centre(X):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            raise ValueError("no more threads")
"""
}
