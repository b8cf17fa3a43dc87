"""Turns answer cells into markdown and raw cells, and the written answer into code."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    types = {
        "q1_centre": "markdown",
        "q2_moments": "raw",
        "q3_rows": "heading",
        "q7_reason": "code",
    }
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["cell_type"] = types.get(name, cell["cell_type"])
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
