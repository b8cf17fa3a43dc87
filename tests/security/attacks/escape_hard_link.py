"""Hands in a hard link to the instructor's source."""

import os

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    source = folder.parents[2] / "source" / "ps0_security" / "ps0_security.ipynb"
    os.link(source, folder / "ps0_security.ipynb")
