"""Makes abs, round, all and AssertionError harmless in builtins, for tests in plain asserts."""

EXPECT = {"q4": 0}
ANSWERS = {
    "q4_total": """
import builtins

class Harmless(Exception):
    def __new__(cls, *args):
        return None

builtins.abs = lambda value: 0
builtins.round = lambda value, digits=0: 0
builtins.AssertionError = Harmless

def total_variance(X):
    return 1.0
"""
}
