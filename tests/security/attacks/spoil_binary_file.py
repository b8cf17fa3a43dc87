"""Hands in a picture named like a notebook."""

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100)
