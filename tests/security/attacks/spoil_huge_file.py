"""Hands in a notebook of a hundred megabytes."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    with open(folder / "ps0_security.ipynb", "wb") as file:
        file.write(b'{"cells": []}')
        file.truncate(100_000_000)
