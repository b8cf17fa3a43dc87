"""Times, points and numbers of questions: computed, and the same wherever they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, find_assignments
from autograder.assignments.workload import minutes

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = find_assignments(ROOT / "solutions")
NUMBERS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
]
LONGEST = 150  # minutes that a set may take a student

each = pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda a: a.name)


def text_of(assignment: Assignment) -> str:
    return "\n\n".join(c.source for c in assignment.cells if c.kind == "markdown")


@each
def test_no_set_takes_more_than_two_and_a_half_hours(assignment: Assignment) -> None:
    assert 0 < minutes(assignment) <= LONGEST


@each
def test_the_notebook_says_what_it_takes(assignment: Assignment) -> None:
    text = text_of(assignment)
    wanted = (
        f"**Time.** About {minutes(assignment)} minutes.\n"
        f"The {NUMBERS[len(assignment.questions)]} questions are worth "
        f"{assignment.max_score} points."
    )
    assert wanted in text
    assert len(re.findall(r"\b\d+ minutes", text)) == 1, "no other time is named"


@each
def test_each_question_says_its_points(assignment: Assignment) -> None:
    found = re.findall(r"^## Question (\d+): .* \((\d+) points?\)$", text_of(assignment), re.M)
    wanted = []
    for question in assignment.questions:
        graded = [*assignment.tests, *assignment.manual]
        points = sum(cell.points for cell in graded if cell.question == question.key)
        wanted.append((question.key[1:], str(points)))
    assert found == wanted


@each
def test_chapters_say_how_long_their_assignments_take(assignment: Assignment) -> None:
    for path in sorted((ROOT / "lectures").glob("*.md")):
        mention = rf"assignments/{assignment.name}>`(?: \(about (\d+) minutes\))?"
        for said in re.findall(mention, path.read_text(encoding="utf-8")):
            assert said == str(minutes(assignment)), path.name


def test_every_set_is_named_by_a_chapter_and_has_a_page() -> None:
    chapters = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "lectures").glob("*.md"))
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for assignment in ASSIGNMENTS:
        page = ROOT / "book" / "assignments" / f"{assignment.name}.md"
        assert page.is_file()
        assert f"book/assignments/{assignment.name}" in toc
        assert f"assignments/{assignment.name}>`" in chapters
