"""Takes memory with one tensor and fills it, then with many."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": "def centre(X):\n    return torch.ones(2**33, dtype=torch.float64)",
    "q2_moments": """
def moments(X):
    kept = []
    while True:
        kept.append(torch.ones(2**23, dtype=torch.float64))
""",
}
