"""Looks for the files beside another's notebook, and leaves its own where others might find them."""

import json

EXPECT = {}
SEEN = "looked"
LOOK = """
import os, pathlib
mine = {"read_files_of_others.txt"}
seen = set()
for top in ("/work", "/tmp", os.getcwd(), "/dev/shm"):
    for folder, _, names in os.walk(top):
        seen.update(names)
foreign = [n for n in seen - mine if n.endswith((".txt", ".csv", ".pth")) or n == "own.py"]
print("looked", "FO" + "UND" if foreign else "")
"""


def hand_in(folder, notebook):
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": LOOK})
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "read_files_of_others.txt").write_text("mine", encoding="utf-8")
