"""Replaces its process by another program that keeps the socket open and says nothing."""

EXPECT = {"q1": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
import os, sys

def centre(X):
    for name in os.listdir("/proc/self/fd"):
        try:
            os.set_inheritable(int(name), True)
        except OSError:
            pass
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"])
"""
}
