"""Lets the arguments that it was given grow to terabytes, change type and contain themselves."""

EXPECT = {"q1": 0, "q3": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    X.set_(torch.zeros(1).double().expand(10**6, 10**6))
    return X
""",
    "q3_rows": """
def scale_rows(X, factors):
    X.resize_(0)

def unit_rows(X):
    X.data = torch.zeros(3, dtype=torch.int8)
    return X
""",
    "q6_gradient": """
def error_gradient(X, y, w):
    w.data = torch.zeros(2**24)
    X.data = torch.zeros(2**23, 2)
    y.__dict__["y"] = y
    return 2 * X[:2].T
""",
}
