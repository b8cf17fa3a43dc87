"""Hands in a folder named like the notebook."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").mkdir()
    (folder / "ps0_security.ipynb" / "ps0_security.ipynb").write_text("{}", encoding="utf-8")
