"""Hands in a link to the instructor's source in place of a notebook."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").symlink_to(
        folder.parents[2] / "source/ps0_security/ps0_security.ipynb"
    )
