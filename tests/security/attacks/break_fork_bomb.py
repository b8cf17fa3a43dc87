"""Forks until it can't, and each fork does the same."""

EXPECT = {"q1": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
import os

def centre(X):
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""
}
