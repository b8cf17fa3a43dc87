"""Hands in a link to a device that never ends."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").symlink_to("/dev/zero")
