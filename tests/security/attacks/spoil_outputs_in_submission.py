"""Hands in right answers with megabytes of outputs, scripts among them, that nobody ran."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    html = "<script>alert('handed in')</script>"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [
                {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}},
                {"output_type": "stream", "name": "stdout", "text": "x" * 500_000},
                {"output_type": "error", "ename": html, "evalue": html, "traceback": [html]},
            ]
            cell["attachments"] = {"x.svg": {"image/svg+xml": html}}
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
