"""The one reader of a notebook: roles, what is public, which answers are recognised."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gradekit.notebook import (
    KEY,
    Cell,
    Description,
    Extra,
    NotebookError,
    Role,
    TimeLimits,
    assemble,
    file_name_notes,
    find_description,
    grade_id_of,
    parse,
    role_of,
    take,
    to_steps,
)

HIDDEN = "# runs when graded\n### BEGIN HIDDEN TESTS\nassert f(3) == 9\n### END HIDDEN TESTS"
CELLS = (
    Cell("code", "import math"),
    Cell("markdown", "Write f and g.", "given", "q1_text"),
    Cell("code", "def f(x): return x * x", "solution", "q1_f"),
    Cell("code", "def g(x): return f(x) + 1", "solution", "q1_g"),
    Cell("code", "assert f(1) == 1", "test", "q1_one_visible", 1),
    Cell("code", HIDDEN, "test", "q1_three_hidden", 2),
    Cell("markdown", "Why?", "given", "q2_text"),
    Cell("markdown", "It is a square.", "manual", "q2_why", 3),
)
WHOLE = Description("ps", CELLS, {"q1": ("f", "g"), "q2": ()}, ("os",), TimeLimits(1, 2, 3))


def notebook(*cells: tuple[str, str, str]) -> bytes:
    """A notebook of cells: type, text and name."""
    made = []
    for kind, source, name in cells:
        metadata = {"nbgrader": {"grade_id": name}} if name else {}
        made.append({"cell_type": kind, "metadata": metadata, "source": source})
    return json.dumps({"cells": made}).encode()


@pytest.mark.parametrize(
    ("metadata", "role"),
    [
        ({}, "given"),
        ({"locked": True}, "given"),
        ({"solution": True}, "solution"),
        ({"grade": True}, "test"),
        ({"grade": True, "solution": True}, "manual"),
        ({"grade": False, "solution": False}, "given"),
        (["grade"], "given"),
        (None, "given"),
    ],
)
def test_the_role_of_a_cell(metadata: Any, role: Role) -> None:
    assert role_of({"metadata": {"nbgrader": metadata}}) == role


@pytest.mark.parametrize("cell", [{}, {"metadata": None}, {"metadata": {"nbgrader": {}}}])
def test_a_cell_without_metadata_is_given_and_has_no_name(cell: dict[str, Any]) -> None:
    assert (role_of(cell), grade_id_of(cell)) == ("given", "")


def test_the_metadata_hold_nothing_that_is_not_public() -> None:
    data = WHOLE.as_metadata()
    text = json.dumps(data)
    for secret in ("return x", "f(3) == 9", "HIDDEN TESTS", "It is a square"):
        assert secret in "".join(cell.source for cell in CELLS)
        assert secret not in text
    assert "assert f(1) == 1" in text
    assert "# runs when graded" in text
    assert find_description({KEY: json.loads(text)}) == WHOLE.public()


def test_what_is_public_has_the_points_of_the_whole() -> None:
    for description in (WHOLE, WHOLE.public()):
        assert [cell.grade_id for cell in description.visible_tests] == ["q1_one_visible"]
        assert (description.hidden_points, description.manual_points) == (2, 3)


def test_a_notebook_is_put_together_in_the_authors_order() -> None:
    content = notebook(
        ("code", "first", ""),
        ("code", "def g(x): return 0", "q1_g"),
        ("markdown", "behind g", ""),
        ("code", "def f(x): return 1", "q1_f"),
    )
    submission = take(parse(content), WHOLE, student="ada")
    assert submission.extras == (Extra(-1, "code", "first"), Extra(3, "markdown", "behind g"))
    cells = assemble(CELLS, submission)
    assert [cell.added for cell in cells] == [True, *[False] * 4, True, *[False] * 4]
    steps = to_steps(cells, WHOLE)
    assert [(step.index, step.role, step.name) for step in steps] == [
        (0, "student", ""),
        (1, "given", ""),
        (3, "student", "q1_f"),
        (4, "student", "q1_g"),
        (6, "test", "q1_one_visible"),
        (7, "test", "q1_three_hidden"),
    ]
    assert [step.source for step in steps][2:4] == ["def f(x): return 1", "def g(x): return 0"]
    assert [step.names for step in steps if step.role == "test"] == [("f", "g")] * 2
    assert [step.hidden for step in steps] == [False] * 5 + [True]


FIRST = [("code", "import math", ""), ("code", "def f(x): return 1", "q1_f")]
TEST = ("code", "assert f(1) == 1", "q1_one_visible")


@pytest.mark.parametrize(
    "cells",
    [
        [*FIRST, TEST, ("code", "import math", "")],
        [*FIRST, TEST, ("code", "changed", "q1_text")],
        [*FIRST, TEST, ("code", "def g(x): return 2", "q1_g")],
        [TEST, *FIRST, TEST],
        [("markdown", "Why?", "q2_text"), *FIRST, TEST],
    ],
    ids=["given again", "given moved", "answer moved", "test twice", "moved to the top"],
)
def test_added_cells_stay_behind_what_they_follow(cells: list[tuple[str, str, str]]) -> None:
    """Whatever else stands out of order."""
    submission = take(parse(notebook(*cells, ("code", "added", ""))), WHOLE)
    code = [extra for extra in submission.extras if extra.kind == "code"]
    assert code == [Extra(4, "code", "added")]


def test_equal_given_cells_are_kept_apart() -> None:
    cells = (CELLS[0], CELLS[2], CELLS[0], CELLS[3])
    content = notebook(
        ("code", "import math", ""),
        ("code", "one", ""),
        ("code", "f = 1", "q1_f"),
        ("code", "import math", ""),
        ("code", "two", ""),
        ("code", "g = 1", "q1_g"),
    )
    submission = take(parse(content), replace(WHOLE, cells=cells))
    assert submission.extras == (Extra(0, "code", "one"), Extra(2, "code", "two"))


OLD, NEW, EMPTY = ("code", "f = 0"), ("code", "f = 1"), ("code", " \n")
LAST = "q1_f appears more than once; the last one counts"
OF_TYPE = "q1_f appears more than once; the last one of its cell type counts"


@pytest.mark.parametrize(
    ("name", "cells", "answer", "note"),
    [
        ("q1_f", [OLD, NEW], "f = 1", LAST),
        ("q1_f", [OLD, OLD, NEW], "f = 1", LAST),
        ("q1_f", [NEW, ("raw", "f = 0")], "f = 1", OF_TYPE),
        ("q1_f", [OLD, NEW, ("markdown", "f = 0")], "f = 1", OF_TYPE),
        ("q1_f", [NEW, EMPTY], "f = 1", None),
        ("q1_f", [("raw", "f = 1"), EMPTY], "f = 1", None),
        ("q1_f", [EMPTY, EMPTY], " \n", None),
        ("q2_why", [("markdown", "So."), ("markdown", "")], "So.", None),
    ],
)
def test_of_copies_the_last_that_is_written_counts(
    name: str, cells: list[tuple[str, str]], answer: str, note: str | None
) -> None:
    content = notebook(*((kind, text, name) for kind, text in cells))
    submission = take(parse(content), WHOLE)
    assert submission.answers == {name: answer}
    assert [n for n in submission.notes if "more than once" in n] == ([note] if note else [])
    others = [text for _, text in cells if text.strip() and text != answer]
    assert [extra.source for extra in submission.extras] == others


def test_raw_text_is_kept_as_text() -> None:
    submission = take(parse(notebook(("code", "f = 1", "q1_f"), ("raw", "Because.", ""))), WHOLE)
    assert submission.extras == (Extra(2, "markdown", "Because."),)


@pytest.mark.parametrize("end", ["\r\n", "\r", " \n", "\t\r\n"])
def test_the_ends_of_lines_change_nothing(end: str) -> None:
    """Some programs write them in their own way, or with space before them."""
    two = "assert f(1) == 1\nassert f(2) == 4"
    cells = (Cell("code", "import math\nimport os"), *CELLS[1:4], replace(CELLS[4], source=two))
    description = replace(WHOLE, cells=cells)
    setup, test = (("code", cells[i].source.replace("\n", end)) for i in (0, 4))
    answer = ("code", "def f(x): return 1")
    named = take(parse(notebook((*setup, ""), (*answer, "q1_f"), (*test, TEST[2]))), description)
    unnamed = take(parse(notebook((*setup, ""), (*answer, ""), (*test, ""))), description)
    for submission in (named, unnamed):
        assert submission.extras == ()
        assert not [note for note in submission.notes if "was changed" in note]
        assert not [note for note in submission.notes if "was deleted" in note]


def answers(*cells: tuple[str, str]) -> dict[str, str]:
    """What is recognised of cells without metadata: type and text."""
    content = notebook(*((kind, source, "") for kind, source in cells))
    whole, public = (take(parse(content), each) for each in (WHOLE, WHOLE.public()))
    assert whole == public  # nothing secret helps to recognise
    return dict(whole.answers)


def test_two_answers_to_a_question_are_taken_in_order() -> None:
    f, g = "def f(x):\n    return 1", "g = lambda x: 2"
    assert answers(("code", f), ("code", g)) == {"q1_f": f, "q1_g": g}
    again = "def f(x):\n    return 3"
    assert answers(("code", f), ("code", g), ("code", again)) == {"q1_f": g, "q1_g": again}


def test_a_use_of_a_name_defines_nothing() -> None:
    for source in ("f(1)", "f == g", "x = f", "class F: pass", "def fg(x): pass", "    f = 1"):
        with pytest.raises(NotebookError, match="none of the answer cells of ps is in it"):
            answers(("code", source))


def test_words_are_recognised_between_given_cells() -> None:
    assert answers(("markdown", "Why?"), ("markdown", "Squares.")) == {"q2_why": "Squares."}


def test_a_name_that_is_left_is_believed() -> None:
    """A cell with a name is what it says; those that have lost theirs may be the other answers."""
    content = notebook(("code", "def g(x): pass", "q1_f"), ("code", "g = 1", ""), ("code", "f", ""))
    submission = take(parse(content), WHOLE)
    assert submission.answers == {"q1_f": "def g(x): pass"}  # what it defines isn't defined again
    assert [extra.source for extra in submission.extras] == ["g = 1", "f"]
    assert "q1_g is missing from the notebook" in submission.notes


def test_answers_that_have_lost_their_names_among_others_are_recognised() -> None:
    content = notebook(
        ("code", "def f(x): pass", "q1_f"),
        ("code", "g = f", ""),
        ("code", "assert f(1) == 1", ""),
        ("code", "# runs when graded", ""),
        ("markdown", "Why?", "q2_text"),
        ("markdown", "So.", ""),
    )
    submission = take(parse(content), WHOLE)
    assert submission.answers == {"q1_f": "def f(x): pass", "q1_g": "g = f", "q2_why": "So."}
    assert submission.extras == ()
    assert submission.notes == (
        "some cells have lost their metadata; these answers were recognised by what they define "
        "and where they stand: q1_g, q2_why",
    )


def test_words_far_from_a_deleted_answer_are_not_it() -> None:
    content = notebook(("code", "f = 1", "q1_f"), ("markdown", "my notes", ""))
    submission = take(parse(content), WHOLE)
    assert submission.answers == {"q1_f": "f = 1"}
    assert submission.extras == (Extra(2, "markdown", "my notes"),)


@pytest.mark.parametrize("named", ["", "q1_f"])
def test_words_in_several_cells_are_one_answer(named: str) -> None:
    content = notebook(
        ("code", "f = 1", named),
        ("markdown", "Why?", "" if not named else "q2_text"),
        ("markdown", "Squares,", ""),
        ("markdown", " ", ""),
        ("code", "f", ""),
        ("markdown", "therefore.", ""),
    )
    submission = take(parse(content), WHOLE)
    assert submission.answers["q2_why"] == "Squares,\n\ntherefore."
    assert [extra.kind for extra in submission.extras] == ["code"]
    assert not [note for note in submission.notes if "more than once" in note]


def test_a_scratch_definition_at_the_end_is_no_answer() -> None:
    f, g, again = "def f(x):\n    return 1", "g = lambda x: 2", "def f(x):\n    return 3"
    test, why = ("code", "assert f(1) == 1"), ("markdown", "Why?")
    cells = [("code", f), ("code", g), test, why]
    assert answers(*cells, ("code", again)) == {"q1_f": f, "q1_g": g}
    assert answers(("code", f), test, why, ("code", again)) == {"q1_f": f, "q1_g": again}


def test_the_name_of_a_file_is_noted_where_it_is_another() -> None:
    assert file_name_notes("ps.ipynb", "ps") == ()
    (note,) = file_name_notes("my\u202e work\n.ipynb", "ps")
    assert note == "found my\ufffd work .ipynb, wanted ps.ipynb"
