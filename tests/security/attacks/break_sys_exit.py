"""Raises SystemExit, KeyboardInterrupt and GeneratorExit where a value is wanted."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0}
STATUS = "awaiting manual grading"
ANSWERS = {
    "q1_centre": "import sys\ndef centre(X):\n    sys.exit(0)",
    "q2_moments": "def moments(X):\n    raise KeyboardInterrupt",
    "q4_total": "def total_variance(X):\n    raise GeneratorExit",
    "q6_gradient": "{{RIGHT}}\nexit()\nquit()",
}
