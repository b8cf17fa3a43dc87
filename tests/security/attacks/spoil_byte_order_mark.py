"""Hands in a right notebook with a byte order mark, blank lines and Windows line ends."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    text = "\ufeff\r\n\r\n" + json.dumps(notebook, indent=2).replace("\n", "\r\n") + "\r\n\r\n"
    (folder / "ps0_security.ipynb").write_bytes(text.encode("utf-8"))
