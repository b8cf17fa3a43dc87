"""Hands in right answers in a notebook that says it is of format 99, minor "x"."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    notebook |= {"nbformat": 99, "nbformat_minor": "x", "orig_nbformat": None}
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
