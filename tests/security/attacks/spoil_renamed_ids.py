"""Renames the answer cells of two questions: they count as missing, though their code still runs."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    for cell in notebook["cells"]:
        grader = cell["metadata"].get("nbgrader", {})
        if grader.get("grade_id") in ("q1_centre", "q2_moments"):
            grader["grade_id"] = grader["grade_id"].upper() + " of mine"
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
