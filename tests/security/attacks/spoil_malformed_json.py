"""Hands in half of a notebook."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    text = json.dumps(notebook)
    (folder / "ps0_security.ipynb").write_text(text[: len(text) // 2], encoding="utf-8")
