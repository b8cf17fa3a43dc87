"""A notebook of an earlier version: nobody is accused, and nothing is taken for the student's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradekit.notebook import (
    Cell,
    Description,
    Submission,
    TimeLimits,
    Versions,
    parse,
    take,
)

TEST = Cell("code", "assert f() == 1", "test", "q1_one_visible", 1, True)
OLD_TEST = Cell("code", "assert f() == 2", "test", "q1_one_visible", 1, True)
GONE = Cell("code", "assert f() != 3", "test", "q1_three_visible", 1, True)
NEW = Cell("code", "assert f() != 4", "test", "q1_four_visible", 1, True)
ANSWER = Cell("code", "", "solution", "q1_f")
GIVEN = Cell("code", "import math\n\ndef helper():\n    return 2")
OLD_GIVEN = Cell("code", "import math\n\ndef helper():\n    return 1")
TEXT = Cell("markdown", "Write f.")
NOW = (GIVEN, TEXT, ANSWER, TEST, NEW)
EARLIER = (OLD_GIVEN, TEXT, ANSWER, OLD_TEST, GONE)


def description(cells: tuple[Cell, ...] = NOW) -> Description:
    return Description("ps0", cells, {"q1": ("f",)}, (), TimeLimits(1, 1, 1))


def notebook(cells: tuple[Cell, ...], *, named: bool = True) -> Any:
    made = []
    for cell in cells:
        meta = {
            "grade_id": cell.grade_id,
            "grade": cell.role == "test",
            "solution": cell.role == "solution",
        }
        source = cell.source or "def f():\n    return 1"
        metadata = {"nbgrader": meta} if cell.grade_id and named else {}
        made.append({"cell_type": cell.kind, "metadata": metadata, "source": source})
    return parse(json.dumps({"cells": made, "metadata": {}, "nbformat": 4}).encode())


def taken(cells: tuple[Cell, ...], *earlier: tuple[Cell, ...], named: bool = True) -> Submission:
    versions = Versions(tuple(earlier))
    return take(notebook(cells, named=named), description(), versions=versions)


@pytest.mark.parametrize("named", [True, False])
def test_who_has_an_earlier_version_is_not_accused(named: bool) -> None:
    submission = taken(EARLIER, EARLIER, NOW, named=named)
    assert not [note for note in submission.notes if "was run" in note]
    assert submission.extras == ()
    assert submission.answers == {"q1_f": "def f():\n    return 1"}


def test_without_the_versions_the_same_notebook_looks_changed() -> None:
    submission = taken(EARLIER)
    assert "q1_one_visible was changed; the original was run" in submission.notes
    assert "q1_four_visible was deleted; the original was run" in submission.notes
    assert [extra.source for extra in submission.extras] == [OLD_GIVEN.source, GONE.source]


def test_a_text_that_stood_in_no_version_was_changed() -> None:
    edited = Cell("code", "pass", "test", "q1_one_visible", 1, True)
    submission = taken((OLD_GIVEN, TEXT, ANSWER, edited, GONE), EARLIER, NOW)
    assert submission.notes == ("q1_one_visible was changed; the original was run",)


def test_a_test_that_every_version_had_was_deleted() -> None:
    submission = taken((GIVEN, TEXT, ANSWER, NEW), (GIVEN, ANSWER, OLD_TEST), NOW)
    assert submission.notes == ("q1_one_visible was deleted; the original was run",)


def test_what_the_student_added_stays_also_if_an_earlier_version_had_it() -> None:
    """Who worked on today's version and wrote the old cell again did write it."""
    submission = taken((GIVEN, TEXT, OLD_GIVEN, ANSWER, TEST, NEW), EARLIER, NOW)
    assert [extra.source for extra in submission.extras] == [OLD_GIVEN.source]


def test_an_answer_that_was_asked_for_later_is_no_students_omission() -> None:
    now = (*NOW, Cell("markdown", "", "manual", "q2_essay", 3))
    found = take(notebook(NOW), description(now), versions=Versions((NOW, now)))
    assert found.notes == ("q2_essay is not in the notebook; it was asked for in a later version",)
    found = take(notebook(NOW), description(now), versions=Versions((now,)))
    assert found.notes == ("q2_essay is missing from the notebook",)


def test_an_answer_to_a_question_that_is_gone_is_kept() -> None:
    old_answer = Cell("code", "", "solution", "q2_g")
    earlier = (*EARLIER, old_answer)
    submission = taken(earlier, earlier, NOW)
    assert [extra.source for extra in submission.extras] == ["def f():\n    return 1"]
