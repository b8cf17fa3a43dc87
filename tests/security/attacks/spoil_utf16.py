"""Hands in a right notebook in UTF-16, as some editors save it."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-16")
