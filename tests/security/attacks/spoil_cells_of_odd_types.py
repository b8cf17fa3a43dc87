"""Hands in cells that are numbers, texts, lists and nothing."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    notebook["cells"] += [3, None, "cell", []]
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
