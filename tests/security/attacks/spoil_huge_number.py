"""Hands in JSON with a number of a million digits in the metadata, where nobody needs it."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    text = json.dumps(notebook).replace('"nbformat": 4', '"nbformat": ' + "9" * 10**6)
    (folder / "ps0_security.ipynb").write_text(text, encoding="utf-8")
