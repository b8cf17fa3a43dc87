"""Hands in numpy.py, torch.py, replearn and sitecustomize.py, which are there when it runs."""

import json

EXPECT = {"q1": 0}
CONTENT = "print('imported'); allclose = check_close = check_tensor = lambda *a, **k: True\n"


def hand_in(folder, notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "q1_centre":
            cell["source"] = "def centre(X):\n    return X"
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for name in ("numpy", "torch", "sitecustomize", "usercustomize", "conftest", "nbgrader_config"):
        (folder / f"{name}.py").write_text(CONTENT, encoding="utf-8")
    (folder / "replearn").mkdir()
    (folder / "replearn" / "__init__.py").write_text(CONTENT, encoding="utf-8")
    (folder / "replearn" / "checks.py").write_text(CONTENT, encoding="utf-8")
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\x00")
