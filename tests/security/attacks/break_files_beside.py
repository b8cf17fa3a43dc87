"""Hands in more and larger files than are taken, folders in folders, a pipe and a loop of links."""

import json
import os

EXPECT = {}


def hand_in(folder, notebook):
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for number in range(300):
        (folder / f"file-{number}.txt").write_text("x", encoding="utf-8")
    with open(folder / "huge.bin", "wb") as file:
        file.truncate(3_000_000_000)
    deep = folder
    for _ in range(30):
        deep = deep / "d"
        deep.mkdir()
    (deep / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")
    (folder / "same.txt").mkdir()
