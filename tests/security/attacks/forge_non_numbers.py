"""Returns what is no number where one is wanted: text, True, complex, a dictionary, a generator."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    return "[[-1.0, -20.0], [1.0, 20.0]]"
"full marks"
3
""",
    "q2_moments": """
def moments(X):
    yield X.mean(dim=0)
    yield X.var(dim=0, correction=0)
19
""",
    "q4_total": """
def total_variance(X):
    return {"points": 3, "score": 3}
True
""",
    "q6_gradient": """
def error_gradient(X, y, w):
    return (2 * X.T @ (X @ w - y) / len(X)).to(torch.complex128)
{"text/plain": "1.0"}
""",
}
