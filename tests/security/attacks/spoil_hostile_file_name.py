"""Names the notebook with markup, a newline and marks that turn text around."""

import json

EXPECT = {}
STATUS = "found"


def hand_in(folder, notebook):
    name = "=cmd <img src=x onerror=alert(1)>\n\u202e'\";--.ipynb"
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
