"""Gives each answer the name of another question's answer cell."""

import json

# In the place of the first cell stands moments; when centre comes, its tests are over.
EXPECT = {"q1": 0}


def hand_in(folder, notebook):
    names = {"q1_centre": "q2_moments", "q2_moments": "q1_centre"}
    for cell in notebook["cells"]:
        grader = cell["metadata"].get("nbgrader", {})
        grader["grade_id"] = names.get(grader.get("grade_id"), grader.get("grade_id"))
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
