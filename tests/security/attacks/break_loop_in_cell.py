"""Loops for ever while the cell itself is run, before anything is defined."""

EXPECT = {"q3": 0}
STATUS = "timed out in q3_rows"
ANSWERS = {"q3_rows": "while True:\n    pass"}
