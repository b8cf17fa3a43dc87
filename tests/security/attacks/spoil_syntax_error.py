"""Hands in code that is no Python in one question, and an unfinished cell in another."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": "def centre(X) return X -\n  'unfinished",
    "q2_moments": "def moments(X):\n    '''unfinished",
}
