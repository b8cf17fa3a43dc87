"""Raises known exceptions, and subclasses named like them, that carry the hidden inputs."""

EXPECT = {"q1": 1, "q2": 1, "q4": 1}
ANSWERS = {
    "q1_centre": """
word = "".join(["FO", "UND"])

def centre(X):
    if X.abs().max() > 1e6:
        raise ValueError(f"{word} {X.tolist()}")
    return X - X.mean(dim=0)
""",
    "q2_moments": """
def moments(X):
    if X.abs().max() > 1e6:
        error = type("AssertionError", (AssertionError,), {})(f"{word} {X.tolist()}")
        error.add_note(f"{word} {X.tolist()}")
        raise error from ValueError(word)
    return X.mean(dim=0), X.var(dim=0, correction=0)
""",
    "q4_total": """
def total_variance(X):
    if len(X) > 2:
        raise ExceptionGroup(f"{word} {X.tolist()}", [KeyError(f"{word} {X[0, 0]}")])
    return X.var(dim=0, correction=0).sum().item()
""",
}
