"""Hands in a link to a neighbour's folder in place of its own."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    folder.rmdir()
    folder.symlink_to(folder.parents[2] / "source" / "ps0_security")
