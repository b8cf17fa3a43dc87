"""Prints for ever."""

EXPECT = {"q1": 0}
STATUS = "timed out in q1"
ANSWERS = {
    "q1_centre": """
import os, sys

def centre(X):
    while True:
        print("y" * 10**5)
        os.write(1, b"y" * 1000)
"""
}
