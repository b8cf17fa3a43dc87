"""Returns a hundred thousand texts for every question, so that comparing them is much work."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
TEXTS = "[[[str(i) * 80 for i in range(250)] for _ in range(250)] for _ in range(2)]"
ANSWERS = {
    "q1_centre": f"texts = {TEXTS}\n\ndef centre(X):\n    return texts",
    "q2_moments": "def moments(X):\n    return texts",
    "q4_total": "def total_variance(X):\n    return texts",
    "q6_gradient": "def error_gradient(X, y, w):\n    return texts",
}
