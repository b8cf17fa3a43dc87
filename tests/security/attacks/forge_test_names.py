"""Defines the names that the tests use: checks, message, expected, X, and the builtins."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
class Content:
    def __getattr__(self, name):
        return lambda *args, **kwargs: args[0] if args else None

checks = Content()
expected = right = X = weight = message = None
abs = lambda value: 0
len = lambda value: 2
__name__ = "gradekit.checks"

def centre(X):
    return X
""",
    "q2_moments": "del len, abs\n{{RIGHT}}",
}
