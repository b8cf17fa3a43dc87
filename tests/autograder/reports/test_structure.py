"""Cells added, dropped, renamed and reordered under marks that a person gave."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from autograder.assignments import release as release_module
from autograder.assignments.source import load_assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading import grade_class
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import NAME, ScriptedEngine, read_rows, run

ANN, BOB = "student-01", "student-02"
ESSAY = """
+++ {"nbgrader": {"grade": true, "grade_id": "q3_more", "locked": false, "schema_version": 3, \
"solution": true, "task": false, "points": 2}}

More words.
"""


def grade(course: Course, solutions: Path) -> None:
    assignment = load_assignment(solutions / NAME)
    grade_class(course, assignment, ScriptedEngine(), workers=2, quiet=True)


def edit(solutions: Path, *changes: tuple[str, str]) -> None:
    """Change the source, and the mutants that name its cells."""
    for path in (solutions / NAME / f"{NAME}.md", solutions / NAME / "mutants" / "q2.toml"):
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text or path.suffix == ".toml"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def cells_of(text: str, name: str) -> str:
    """The source of one code cell."""
    cells = re.findall(r"```\{code-cell\}.*?```\n", text, re.DOTALL)
    return str(next(cell for cell in cells if f"grade_id: {name}\n" in cell))


def by_hand(course: Course) -> dict[str, Any]:
    """All that a person has entered."""
    with Book(course) as book:
        marks = {
            (student, cell): (entry.manual, entry.extra, entry.awaiting)
            for student, entries in book.entries(NAME).items()
            for cell, entry in entries.items()
            if entry.by_hand
        }
        return {"marks": marks, "comments": book.comments(NAME)}


@pytest.fixture
def marked(course: Course, solutions: Path) -> Course:
    """Marks, extra credit and comments on cells of every kind."""
    assert run("demo", course=course, solutions=solutions) == 0
    grade(course, solutions)
    with Book(course) as book:
        for student, cell, score, extra in (
            (ANN, "q3_reason", 2.5, None),
            (BOB, "q3_reason", 1.0, 0.5),
            (ANN, "q1_other_hidden", 1.5, None),
            (BOB, "q2_small_visible", None, 0.25),
        ):
            mark = book._book.find_grade(cell, NAME, NAME, student)
            mark.manual_score, mark.extra_credit = score, extra
            if cell == "q3_reason":
                mark.needs_manual_grade = student == BOB
        for cell in ("q1_mean", "q3_reason"):
            book._book.find_comment(cell, NAME, NAME, ANN).manual_comment = f"About {cell}."
        book.session.commit()
    return course


def test_marks_stay_when_cells_are_added_renamed_and_reordered(
    marked: Course, solutions: Path
) -> None:
    before = by_hand(marked)
    assert len(before["marks"]) == 4
    text = (solutions / NAME / f"{NAME}.md").read_text(encoding="utf-8")
    visible = cells_of(text, "q1_small_visible")
    hidden = cells_of(text, "q1_other_hidden")
    edit(solutions, (visible + "\n" + hidden, hidden + "\n" + visible))
    edit(solutions, ("q2_other_hidden", "q2_another_hidden"))
    path = solutions / NAME / f"{NAME}.md"
    path.write_text(path.read_text(encoding="utf-8") + ESSAY.replace("\\\n", ""), encoding="utf-8")
    assert run("release", course=marked, solutions=solutions) == 0
    assert by_hand(marked) == before
    grade(marked, solutions)
    assert by_hand(marked) == before
    assert run("export", course=marked, solutions=solutions) == 0
    row = read_rows(marked)[ANN]
    assert (row["score"], row["max_score"]) == ("8", "11")
    with Book(marked) as book:
        entries = book.entries(NAME)[ANN]
        assert entries["q2_another_hidden"].auto == 2.0
        assert "q2_other_hidden" not in entries


def test_marks_of_a_dropped_cell_are_kept_and_come_back_with_it(
    marked: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = by_hand(marked)
    source = (solutions / NAME / f"{NAME}.md").read_text(encoding="utf-8")
    settings = (solutions / NAME / "assignment.toml").read_text(encoding="utf-8")
    edit(
        solutions,
        (source[source.index('+++ {"nbgrader": {"grade": false, "grade_id": "q3_text"') :], ""),
    )
    (solutions / NAME / "assignment.toml").write_text(
        settings[: settings.index("[questions.q3]")], encoding="utf-8"
    )
    capsys.readouterr()
    assert run("release", course=marked, solutions=solutions) == 0
    out = capsys.readouterr().out
    (backup,) = (marked.root / "backups").iterdir()
    place = f"kept in backups/{backup.name}, and come back with the cell"
    assert f"2 marks by hand of q3_reason, which is no longer there, are {place}" in out
    assert "1 comment of q3_reason, which is no longer there, is kept in" in out
    kept = json.loads((backup / "marks.json").read_text(encoding="utf-8"))
    assert kept[BOB][NAME]["q3_reason"]["manual"] == 1.0
    grade(marked, solutions)
    now = by_hand(marked)
    assert now["marks"] == {k: v for k, v in before["marks"].items() if k[1] != "q3_reason"}
    assert now["comments"] == before["comments"]
    assert run("feedback", course=marked, solutions=solutions) == 0
    page = (marked.feedback / ANN / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    others = page[page.index("Other comments") :]
    assert "q3_reason" in others
    assert "About q3_reason." in others
    assert "About q1_mean." in page[: page.index("Other comments")]
    (solutions / NAME / f"{NAME}.md").write_text(source, encoding="utf-8")
    (solutions / NAME / "assignment.toml").write_text(settings, encoding="utf-8")
    assert run("release", course=marked, solutions=solutions) == 0
    grade(marked, solutions)
    after = by_hand(marked)
    assert after["comments"] == before["comments"]
    assert {k: v[:2] for k, v in after["marks"].items()} == {
        k: v[:2] for k, v in before["marks"].items()
    }


def test_a_mark_above_a_new_maximum_stays_and_is_said(
    marked: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = by_hand(marked)
    edit(solutions, ('"task": false, "points": 3}}', '"task": false, "points": 2}}'))
    capsys.readouterr()
    assert run("release", course=marked, solutions=solutions) == 0
    out = capsys.readouterr().out
    assert "q3_reason now gives 2 points, and these marks by hand are above that" in out
    assert f"stay as they are: {ANN} 2.5\n" in out
    assert by_hand(marked) == before


def test_a_release_that_is_refused_changes_no_mark(
    marked: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(solutions, ("q2_other_hidden", "q2_another_hidden"))
    monkeypatch.setattr(release_module, "find_leaks", lambda *_: ["a line"])
    before = by_hand(marked)
    assert run("release", course=marked, solutions=solutions) == 2
    assert by_hand(marked) == before
    with Book(marked) as book:
        assert "q2_other_hidden" in book.entries(NAME)[ANN]


def test_a_change_that_fails_is_undone(
    marked: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(solutions, ("q1_other_hidden", "q1_another_hidden"))
    before = by_hand(marked)

    def fail(*_: object) -> None:
        raise CourseError("no")

    monkeypatch.setattr("autograder.reports.structure._lay_back", fail)
    assert run("release", course=marked, solutions=solutions) == 2
    assert by_hand(marked) == before
    assert not (marked.root / ".changing").exists()


def test_a_first_release_and_one_without_marks_need_no_backup(
    course: Course, solutions: Path
) -> None:
    edit(solutions, ("q2_other_hidden", "q2_another_hidden"))
    assert run("release", course=course, solutions=solutions) == 0
    assert not (course.root / "backups").exists()


def test_nbgraders_own_release_agrees_with_the_gradebook(marked: Course, solutions: Path) -> None:
    """nbgrader refuses a release whose cells are not those it knows."""
    edit(solutions, ("q2_other_hidden", "q2_another_hidden"))
    assert run("release", course=marked, solutions=solutions) == 0
    release_module._generate(marked, NAME, marked)
