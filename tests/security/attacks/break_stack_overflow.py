"""Recurses without end, once with Python's limit and once without."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": "def centre(X):\n    return centre(X)",
    "q2_moments": """
import sys

class Deep:
    def __repr__(self):
        return repr(self)
    def __getattr__(self, name):
        return getattr(self, name + "x")

def moments(X):
    sys.setrecursionlimit(2**31 - 1)
    deep = []
    for _ in range(10**7):
        deep = [deep]
    return hash(Deep().x) or repr(deep)
""",
}
