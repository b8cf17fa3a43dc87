"""Knows the answers of the visible tests by heart and nothing else."""

EXPECT = {"q1": 1, "q2": 1, "q4": 1, "q6": 1}
ANSWERS = {
    "q1_centre": """
def centre(X):
    return torch.tensor([[-1.0, -20.0], [1.0, 20.0]])
""",
    "q2_moments": """
def moments(X):
    return torch.tensor([2.0, 5.0]), torch.tensor([1.0, 0.0])
""",
    "q4_total": """
def total_variance(X):
    return 5.0
""",
    "q6_gradient": """
def error_gradient(X, y, w):
    return torch.tensor([2.0, 4.0])
""",
}
