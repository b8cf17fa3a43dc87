"""Answers the visible test and loops for ever in the hidden one."""

EXPECT = {"q1": 1}
STATUS = "timed out in q1_random_hidden"
ANSWERS = {
    "q1_centre": """
def centre(X):
    while X.abs().max() > 1e6:
        pass
    return X - X.mean(dim=0)
"""
}
