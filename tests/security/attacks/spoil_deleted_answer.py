"""Deletes the answer cells of two questions."""

import json

EXPECT = {"q1": 0, "q4": 0}


def hand_in(folder, notebook):
    gone = ("q1_centre", "q4_total")
    notebook["cells"] = [
        c
        for c in notebook["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") not in gone
    ]
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
