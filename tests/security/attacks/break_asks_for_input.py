"""Waits for somebody at a keyboard: input(), getpass, breakpoint."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0}
ANSWERS = {
    "q1_centre": "def centre(X):\n    return eval(input('what is the answer? '))",
    "q2_moments": "def moments(X):\n    breakpoint()\n    return None",
    "q4_total": "import getpass\ndef total_variance(X):\n    return float(getpass.getpass())",
}
