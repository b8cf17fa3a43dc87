"""Loops for ever when it is called."""

EXPECT = {"q1": 0}
STATUS = "timed out in q1_small_visible"
ANSWERS = {
    "q1_centre": """
def centre(X):
    while True:
        pass
"""
}
