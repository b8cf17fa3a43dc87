"""Hands in right answers with metadata that is null, a number, or holds lists for names."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    odd = [None, 3, [], {"nbgrader": None}, {"nbgrader": {"grade_id": ["q1_centre"]}}]
    odd += [
        {"nbgrader": {"grade_id": {"q": 1}}},
        {"nbgrader": [1]},
        {"nbgrader": {"grade_id": 1e999}},
    ]
    for meta in odd:
        notebook["cells"].insert(
            3, {"cell_type": "markdown", "metadata": meta, "source": "", "outputs": 3}
        )
    notebook["metadata"] = None
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
