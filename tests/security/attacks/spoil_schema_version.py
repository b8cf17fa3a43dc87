"""Sets nbgrader's schema version to 99, 0 and text: stock nbgrader stops the whole class there."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"].get("nbgrader", {})["schema_version"] = [99, 0, "three"][number % 3]
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
