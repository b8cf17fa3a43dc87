"""Has every cell twice, the answers first wrong and then right: the last one counts."""

import copy
import json

EXPECT = {}


def hand_in(folder, notebook):
    cells = []
    for cell in notebook["cells"]:
        first = copy.deepcopy(cell)
        if first["metadata"].get("nbgrader", {}).get("solution") and first["cell_type"] == "code":
            first["source"] = "raise RuntimeError('the first copy')"
        cells += [first, cell]
    notebook["cells"] = cells
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
