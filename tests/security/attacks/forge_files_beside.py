"""Hands in modules named like the grader's, Python's and NumPy's, and files that run at start-up."""

import json

EXPECT = {"q1": 0}
SEEN = "own module 2"
CONTENT = "import builtins\nbuiltins.MARKED = 1\nallclose = check_close = lambda *a, **k: True\n"
NAMES = (
    "gradekit/__init__.py",
    "gradekit/checks.py",
    "gradekit/protocol/codec.py",
    "autograder/__init__.py",
    "json.py",
    "random.py",
    "builtins.py",
    "sitecustomize.py",
    "usercustomize.py",
    "start.pth",
    "numpy/__init__.py",
    "numpy.py",
    "torch/__init__.py",
    "IPython/__init__.py",
    "ipython_config.py",
)


def hand_in(folder, notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "q1_centre":
            cell["source"] = (
                "import importlib, json, random, numpy, gradekit.checks, own\n"
                "importlib.reload(json)\n"
                "print('own module', own.TWO)\n"
                "print('FO' + 'UND' if hasattr(__import__('builtins'), 'MARKED') else '')\n"
                "def centre(X):\n    return X"
            )
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "own.py").write_text("TWO = 2\n", encoding="utf-8")
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONTENT, encoding="utf-8")
