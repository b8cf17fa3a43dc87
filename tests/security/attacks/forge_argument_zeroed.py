"""Sets its argument to zero in place and returns it, for a test that compares with the argument."""

EXPECT = {"q1": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    return X.zero_()
""",
    "q6_gradient": """
def error_gradient(X, y, w):
    X.zero_(), y.zero_(), w.zero_()
    return w
""",
}
