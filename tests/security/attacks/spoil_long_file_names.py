"""Hands in two notebooks whose names are as long as a file system takes, and none of the right name."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    for letter in "ab":
        (folder / (letter * 245 + ".ipynb")).write_text(json.dumps(notebook), encoding="utf-8")
