"""Holds the interpreter's lock in C code that ends in a thousand years."""

EXPECT = {"q4": 0}
STATUS = "timed out in q4"
ANSWERS = {
    "q4_total": """
import re

def total_variance(X):
    return re.match("(a*)*(a*)*(a*)*(a*)*$", "a" * 5000 + "b") or 10 ** 10 ** 10
"""
}
