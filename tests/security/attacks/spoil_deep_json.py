"""Hands in JSON nested a million deep."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    deep = "[" * 10**6 + "]" * 10**6
    (folder / "ps0_security.ipynb").write_text('{"cells": ' + deep + "}", encoding="utf-8")
