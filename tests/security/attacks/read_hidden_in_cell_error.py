"""Lets a later cell end with an error that holds the hidden inputs it has kept."""

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
if kept:
    print(f"{word} {kept}")
    raise ValueError(f"{word} {kept}")

def moments(X):
    return X.mean(dim=0), X.var(dim=0, correction=0)
""",
}
EXTRAS = [("q2_small_visible", "code", "if kept:\n    raise KeyError(f'{word} {kept}')")]
