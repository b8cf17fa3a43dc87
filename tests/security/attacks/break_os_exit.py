"""Ends its process in the middle of a call."""

EXPECT = {"q1": 0}
STATUS = "stopped"
ANSWERS = {"q1_centre": "import os\ndef centre(X):\n    os._exit(0)"}
