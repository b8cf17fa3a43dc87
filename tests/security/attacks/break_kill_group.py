"""Kills its own process group and session, which must not be the grader's."""

EXPECT = {"q1": 0}
STATUS = "stopped"
ANSWERS = {
    "q1_centre": "import os\ndef centre(X):\n    os.killpg(0, 9)\n    os.kill(1, 9)\n    os._exit(0)"
}
