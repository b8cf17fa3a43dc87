"""Hands in JSON that is a list, with cells that are none."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    text = json.dumps([notebook, {"cells": {"cells": [3, None]}}])
    (folder / "ps0_security.ipynb").write_text(text, encoding="utf-8")
