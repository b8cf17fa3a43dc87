"""Raises an exception with a chain of causes a hundred thousand long, and one that is its own cause."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    error = ValueError("first")
    for number in range(10**5):
        later = ValueError(number)
        later.__cause__ = error
        error = later
    raise error
""",
    "q2_moments": """
def moments(X):
    error = KeyError("self")
    error.__cause__ = error.__context__ = error
    group = error
    for _ in range(500):
        group = ExceptionGroup("g", [group, group])
    raise group
""",
}
