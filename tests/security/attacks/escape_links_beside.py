"""Hands in a right notebook, and links to the course and to the whole system beside it."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "course").symlink_to(folder.parents[2])
    (folder / "root").symlink_to("/")
    (folder / "loop").symlink_to("loop")
    (folder / "gradebook.db").symlink_to(folder.parents[2] / "gradebook.db")
