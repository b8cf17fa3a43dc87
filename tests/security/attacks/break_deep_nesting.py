"""Returns lists nested a hundred thousand deep, and dictionaries and tuples fifty deep."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    deep = []
    for _ in range(10**5):
        deep = [deep]
    return deep
""",
    "q2_moments": """
def moments(X):
    deep = {}
    for number in range(50):
        deep = {(number,): deep}
    return deep, deep
""",
    "q4_total": """
def total_variance(X):
    key = ()
    for _ in range(40):
        key = (key,)
    return {key: 5.0}
""",
}
