"""Results of other cells, or of other points, never reach the CSV, a page or a preview."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from tests.autograder.tinycourse import NAME, ScriptedEngine, read_rows, run

GONE = "student-04"
OTHER = "graded with other cells or points than now"
CHANGES = {
    "fewer points": ("points: 2", "points: 1"),
    "a test renamed": ("grade_id: q2_small_visible", "grade_id: q2_tiny_visible"),
    "an answer by hand renamed": ('"q3_reason"', '"q3_proof"'),
}


@pytest.fixture
def graded(course: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for command in ("demo", "grade", "export", "feedback"):
        assert run(command, course=course, solutions=solutions) == 0
    return course


def change(solutions: Path, old: str, new: str) -> None:
    path = solutions / NAME / f"{NAME}.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("kind", CHANGES)
def test_results_of_other_cells_are_refused(
    kind: str,
    released: bool,
    graded: Course,
    solutions: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    csv, book = graded.grades.read_bytes(), graded.db_path.read_bytes()
    change(solutions, *CHANGES[kind])
    if released:
        assert run("release", course=graded, solutions=solutions) == 0
        book = graded.db_path.read_bytes()
    commands = ("export", "feedback", "preview")
    for command in commands:
        capsys.readouterr()
        assert run(command, course=graded, solutions=solutions) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: 20 submissions of {NAME} were graded with other cells or")
        assert error.endswith("run `release` and `grade`\n")
        assert (graded.grades.read_bytes(), graded.db_path.read_bytes()) == (csv, book)
    for command in ("release", "grade", *commands):
        assert run(command, course=graded, solutions=solutions) == 0


def test_a_changed_text_refuses_nothing(graded: Course, solutions: Path) -> None:
    before = read_rows(graded)
    change(solutions, "## Question 3", "## The third question")
    assert run("export", course=graded, solutions=solutions) == 0
    assert read_rows(graded) == before


def test_who_is_gone_is_not_graded_again_and_stops_nothing(graded: Course, solutions: Path) -> None:
    """Rows of a student without a folder stay until they are removed, and say what they are."""
    (graded.submitted / GONE).rename(graded.root / "elsewhere")
    change(solutions, *CHANGES["fewer points"])
    for command in ("release", "grade", "export", "feedback"):
        assert run(command, course=graded, solutions=solutions) == 0
    stale = {row["student_id"] for row in read_rows(graded).values() if OTHER in row["status"]}
    assert stale == {GONE}
