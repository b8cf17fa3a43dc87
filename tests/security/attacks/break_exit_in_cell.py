"""Ends its process while the cell itself is run."""

EXPECT = {"q2": 0}
STATUS = "stopped"
ANSWERS = {"q2_moments": "import os\nos._exit(0)"}
