"""Has ten thousand cells."""

import json

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    notebook["cells"] += [{"cell_type": "code", "metadata": {}, "source": "1"}] * 10_000
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
