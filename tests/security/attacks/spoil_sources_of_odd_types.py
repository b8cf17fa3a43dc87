"""Hands in a cell whose text is a table of numbers."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    notebook["cells"][-1]["source"] = {"0": [1, 2, [3]]}
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
