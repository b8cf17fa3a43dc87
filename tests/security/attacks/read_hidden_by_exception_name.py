"""Raises an exception whose class name is made of the hidden inputs."""

EXPECT = {"q1": 1}
ANSWERS = {
    "q1_centre": """
def centre(X):
    if X.abs().max() > 1e6:
        name = "".join(["FO", "UND"]) + "".join(c for c in repr(X.tolist()) if c.isalnum())
        raise type(name[:70], (Exception,), {})(name)
    return X - X.mean(dim=0)
"""
}
