"""Fills right answers with lone surrogates, NUL, bidirectional marks, and a name in Greek."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    odd = "# \ud800 \x00 \u202e\u2066 \ufeff \u2028 \x1b[31m \U0001f600 a\u0300\u0301\n"
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            source = "".join(cell["source"])
            cell["source"] = odd + source.replace("residual", "\u03c1") + "\n" + odd
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
