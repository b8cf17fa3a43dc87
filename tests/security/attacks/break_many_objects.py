"""Returns a hundred thousand objects of its own, with thousands of type names."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": """
kinds = [type(f"Kind{number}", (), {}) for number in range(5000)]

def centre(X):
    return [kind() for kind in kinds]
""",
    "q2_moments": """
def moments(X):
    return [object() for _ in range(101_000)], tuple(kinds)
""",
}
