"""Reads address 0."""

EXPECT = {"q1": 0}
STATUS = "stopped"
ANSWERS = {"q1_centre": "import ctypes\ndef centre(X):\n    return ctypes.string_at(0)"}
