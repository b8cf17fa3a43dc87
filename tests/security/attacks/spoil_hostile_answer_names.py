"""Has an answer cell named like a path, like markup and like a column of the database."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    for name in (
        "../../x",
        "<script>alert(1)</script>",
        "q1_centre'; drop table grade; --",
        "q99_x",
    ):
        meta = {"nbgrader": {"grade_id": name, "grade": True, "solution": True, "points": 50}}
        notebook["cells"].append({"cell_type": "code", "metadata": meta, "source": "0"})
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
