"""Returns lists and dictionaries that contain themselves."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": "def centre(X):\n    loop = []\n    loop.append(loop)\n    return loop",
    "q2_moments": """
def moments(X):
    loop = {}
    pair = (loop, [loop])
    loop["pair"] = pair
    return pair
""",
}
