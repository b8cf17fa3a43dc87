"""Loops for ever in __del__ of an object that the call leaves behind."""

EXPECT = {"q1": 0}
STATUS = "timed out in q1_small_visible"
ANSWERS = {
    "q1_centre": """
class Endless:
    def __del__(self):
        while True:
            pass

def centre(X):
    keep = Endless()
    return X - X.mean(dim=0)
"""
}
