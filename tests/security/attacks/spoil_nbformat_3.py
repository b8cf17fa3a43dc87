"""Hands in the notebook in format 3, with worksheets."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    old = {"worksheets": [{"cells": notebook["cells"]}], "nbformat": 3, "metadata": {}}
    (folder / "ps0_security.ipynb").write_text(json.dumps(old), encoding="utf-8")
