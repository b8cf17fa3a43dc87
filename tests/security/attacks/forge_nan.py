"""Returns NaN and infinity, for comparisons that are never false."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    return torch.full_like(X, float("nan"))
""",
    "q2_moments": """
def moments(X):
    return torch.full((X.shape[1],), float("inf")), torch.full((X.shape[1],), float("nan"))
""",
    "q4_total": """
def total_variance(X):
    return float("nan")
""",
    "q6_gradient": """
def error_gradient(X, y, w):
    return torch.full_like(w, -float("inf"))
""",
}
