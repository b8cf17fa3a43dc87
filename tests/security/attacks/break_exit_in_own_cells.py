"""Ends its process in cells that belong to no question; all answers are right."""

EXPECT = {}
STATUS = "stopped"
EXTRAS = [
    ("setup", "code", "import os\nos._exit(1)"),
    ("q6_gradient", "code", "import os\nos._exit(1)"),
]
ANSWERS = {}
