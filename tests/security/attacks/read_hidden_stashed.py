"""Keeps hidden inputs and raises them later: in visible tests, in other questions, in later cells."""

EXPECT = {"q2": 1}
ANSWERS = {
    "q1_centre": """
kept = []
word = "".join(["FO", "UND"])

def centre(X):
    if X.abs().max() > 1e6:
        kept.append(X.tolist())
    return X - X.mean(dim=0)
""",
    "q2_moments": """
def moments(X):
    if kept:
        raise ValueError(f"{word} {kept}")
    return X.mean(dim=0), X.var(dim=0, correction=0)
""",
    "q4_total": """
def total_variance(X):
    if kept:
        print(f"{word} {kept}")
    return X.var(dim=0, correction=0).sum().item()
""",
}
