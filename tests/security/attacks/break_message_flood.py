"""Raises exceptions whose text has a hundred megabytes, or raises, or never ends."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0}
STATUS = "timed out in q4_small_visible"
ANSWERS = {
    "q1_centre": "def centre(X):\n    raise ValueError('x' * 10**8)",
    "q2_moments": """
class Raises(Exception):
    def __str__(self):
        raise self
    __repr__ = __str__

def moments(X):
    raise Raises()
""",
    "q4_total": """
class Endless(Exception):
    def __str__(self):
        while True:
            pass

def total_variance(X):
    raise Endless()
""",
}
