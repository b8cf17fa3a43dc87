"""Redefines the functions of other questions in a later cell: the last definition counts."""

EXPECT = {"q2": 0}
ANSWERS = {
    "q2_moments": """
def moments(X):
    return X, X
""",
    "q6_gradient": """
{{RIGHT}}
def moments(X):
    return X.mean(dim=0), X.var(dim=0, correction=0)
""",
}
