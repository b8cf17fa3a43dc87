"""Asks for kernels of other languages, and for a program to be started as one."""

import json

EXPECT = {}


def hand_in(folder, notebook):
    notebook["metadata"] = {
        "kernelspec": {"name": "../../ir", "language": "R", "argv": ["touch", "/tmp/fort-escape"]},
        "language_info": {"name": "julia", "codemirror_mode": {"name": "<script>"}},
    }
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
