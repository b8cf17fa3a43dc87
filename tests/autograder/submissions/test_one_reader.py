"""The local check and the grader take the same from a notebook, whatever became of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.assignments.demo import fill_in
from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.results import Rejected
from autograder.submissions.intake import read_submission
from gradekit.notebook import (
    KEY,
    Description,
    NotebookError,
    Submission,
    assemble,
    parse,
    reading,
    take,
    to_steps,
)
from gradekit.notebook.file import NO_DESCRIPTION, read
from tests.autograder.tinycourse import NAME

Notebook = dict[str, Any]
Taken = tuple[list[dict[str, Any]], tuple[str, ...]]  # steps and notes
QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture(scope="module")
def released(released_course: Course) -> Notebook:
    path = released_course.notebook("release", NAME)
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("handed_in"))
    course.notebook("submitted", NAME, "s").parent.mkdir(parents=True)
    return course


def steps_of(description: Description, submission: Submission) -> list[dict[str, Any]]:
    """What is run, without what a student must not see."""
    steps = to_steps(assemble(description.cells, submission), description)
    return [asdict(step) | ({"source": ""} if step.hidden else {}) for step in steps]


def graded(course: Course, assignment: Assignment) -> Taken | str:
    """Steps and notes on the grader's side, or the sentence it refuses with."""
    submission = read_submission(course, assignment, "s")
    if isinstance(submission, Rejected):
        return submission.reason
    return steps_of(assignment.description, submission), submission.notes


def checked(path: Path) -> Taken | str:
    """The same on the student's side."""
    try:
        description, submission = read(path)
    except NotebookError as error:
        name, sentence = str(error).split(": ", 1)
        assert name == path.name
        return sentence
    return steps_of(description, submission), submission.notes


def compare(course: Course, assignment: Assignment, content: bytes, name: str) -> Taken | str:
    """Both sides' answer, which is the same."""
    path = course.notebook("submitted", NAME, "s").with_name(name)
    path.write_bytes(content)
    try:
        here, there = checked(path), graded(course, assignment)
    finally:
        path.unlink()
    if here == NO_DESCRIPTION:  # the one thing that only the local check needs
        return here
    assert here == there
    return here


def _random_cell(draw: st.DrawFn, cells: list[Any]) -> int:
    return draw(st.integers(0, len(cells) - 1))


SOURCES: list[Any] = [
    "",
    " \n",
    "def mean(values):\n    return 1",
    "spread = lambda values: 0",
    "x = 1",
    ["def mean(v):\n", "    return 2"],
    "surrogate \ud800 and \x00",
    "![a](attachment:x)",
    None,
    3,
    ["a", 3],
]


def _drop(draw: st.DrawFn, notebook: Notebook) -> None:
    del notebook["cells"][_random_cell(draw, notebook["cells"])]


def _double(draw: st.DrawFn, notebook: Notebook) -> None:
    cells = notebook["cells"]
    again = copy.deepcopy(cells[_random_cell(draw, cells)])
    cells.insert(_random_cell(draw, cells), again)


def _move(draw: st.DrawFn, notebook: Notebook) -> None:
    cells = notebook["cells"]
    moved = cells.pop(_random_cell(draw, cells))
    cells.insert(draw(st.integers(0, len(cells))), moved)


def _retype(draw: st.DrawFn, notebook: Notebook) -> None:
    cell = notebook["cells"][_random_cell(draw, notebook["cells"])]
    cell["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw", "heading", None, []]))


def _edit(draw: st.DrawFn, notebook: Notebook) -> None:
    cell = notebook["cells"][_random_cell(draw, notebook["cells"])]
    cell["source"] = draw(st.sampled_from(SOURCES) | st.text(max_size=30))


def _add(draw: st.DrawFn, notebook: Notebook) -> None:
    cell: dict[str, Any] = {
        "cell_type": draw(st.sampled_from(["code", "markdown"])),
        "metadata": {},
        "source": draw(st.sampled_from(SOURCES[:6])),
    }
    if draw(st.booleans()):
        cell["attachments"] = {"x": {"image/png": "AAAA"}}
    notebook["cells"].insert(draw(st.integers(0, len(notebook["cells"]))), cell)


def _lose_metadata(draw: st.DrawFn, notebook: Notebook) -> None:
    cell = notebook["cells"][_random_cell(draw, notebook["cells"])]
    cell["metadata"] = draw(st.sampled_from([{}, None, 7, {"nbgrader": []}]))


def _lose_all_metadata(draw: st.DrawFn, notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def _lose_ids(draw: st.DrawFn, notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell.pop("id", None)


def _rename(draw: st.DrawFn, notebook: Notebook) -> None:
    cell = notebook["cells"][_random_cell(draw, notebook["cells"])]
    names = ["q1_mean", "q2_spread", "q3_reason", "q1_small_visible", "of_mine", "", 3]
    cell["metadata"] = {"nbgrader": {"grade_id": draw(st.sampled_from(names))}}


def _lose_description(draw: st.DrawFn, notebook: Notebook) -> None:
    notebook["metadata"] = draw(st.sampled_from([{}, None, {KEY: {}}, {"kernelspec": {}}]))


MUTATIONS: list[Callable[[st.DrawFn, Notebook], None]] = [
    _drop,
    _double,
    _move,
    _retype,
    _edit,
    _add,
    _lose_metadata,
    _lose_all_metadata,
    _lose_ids,
    _rename,
    _lose_description,
]


@st.composite
def mutilated(draw: st.DrawFn, start: Notebook) -> Notebook:
    """A notebook to which a few things have happened."""
    notebook = copy.deepcopy(start)
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), max_size=6)):
        if notebook["cells"]:
            mutate(draw, notebook)
    return notebook


def sizes(content: bytes) -> Iterator[tuple[str, int]]:
    """How much of each limit a notebook uses."""
    cells = json.loads(content)["cells"]
    texts = ["".join(map(str, cell["source"] or "")) for cell in cells if "source" in cell]
    yield "MAX_BYTES", len(content)
    yield "MAX_CELLS", len(cells)
    yield "MAX_CHARACTERS", max(map(len, texts), default=0)
    yield "MAX_CONTAINERS", containers(json.loads(content))


def containers(part: Any) -> int:
    """Lists and objects of a JSON value."""
    if not isinstance(part, list | dict):
        return 0
    return 1 + sum(map(containers, part.values() if isinstance(part, dict) else part))


@settings(QUICK, max_examples=600)
@given(data=st.data())
def test_both_sides_take_the_same_of_any_notebook(
    data: st.DataObject, handed_in: Course, assignment: Assignment, released: Notebook
) -> None:
    start = json.loads(fill_in(copy.deepcopy(released), assignment.answers))
    notebook = data.draw(mutilated(start))
    name = data.draw(st.sampled_from([f"{NAME}.ipynb", "my work.ipynb", "a\u202eb\x1b.ipynb"]))
    compare(handed_in, assignment, json.dumps(notebook).encode(), name)


@settings(QUICK, max_examples=200)
@given(data=st.data())
def test_both_sides_have_the_same_limits(
    data: st.DataObject, handed_in: Course, assignment: Assignment, released: Notebook
) -> None:
    """One of the limits, small: just as large as the notebook, or one less."""
    start = json.loads(fill_in(copy.deepcopy(released), assignment.answers))
    sources = [text for text in SOURCES if isinstance(text, str)]
    for cell in start["cells"]:
        if data.draw(st.booleans()):
            cell["source"] = data.draw(st.sampled_from(sources))
    content = json.dumps(start).encode()
    limit, size = data.draw(st.sampled_from(list(sizes(content))))
    less = data.draw(st.sampled_from([0, 1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, limit, size - less)
        taken = compare(handed_in, assignment, content, f"{NAME}.ipynb")
    assert isinstance(taken, str) == bool(less)


TEXT = st.text(st.sampled_from('"\\\\[{]}nü'), max_size=8)


@given(st.recursive(TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)))
def test_brackets_in_texts_are_no_containers(value: Any) -> None:
    content = json.dumps(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MAX_CONTAINERS", 0)
        assert reading._containers(content) == containers(value)


def test_null_is_taken_for_what_is_empty(
    handed_in: Course, assignment: Assignment, released: Notebook
) -> None:
    notebook = copy.deepcopy(released)
    notebook["cells"][0]["source"] = None
    notebook["cells"] += [None, {}, {"source": "typeless"}, {"cell_type": None, "source": None}]
    taken = compare(handed_in, assignment, json.dumps(notebook).encode(), f"{NAME}.ipynb")
    assert not isinstance(taken, str)


OVER = {
    "cells": ("more than 2,000 cells", {"source": "1"}, 2_001),
    "characters": ("cell 13 holds more than 1,000,000 characters", {"source": "1" * 1_000_001}, 1),
    "containers": (
        "not a notebook (it has more than 500,000 lists and objects)",
        {"source": "", "outputs": [[]] * 500_000},
        1,
    ),
    "bytes": ("larger than 20 MB", {"source": "", "outputs": ["x" * 20_000_000]}, 1),
    "text": ("cell 13 has no text", {"source": 7}, 1),
}


@pytest.mark.parametrize("kind", OVER)
def test_what_is_over_a_limit_is_refused_in_the_same_words(
    kind: str, handed_in: Course, assignment: Assignment, released: Notebook
) -> None:
    sentence, cell, count = OVER[kind]
    added = [{"cell_type": "code", "metadata": {}, **cell}] * count
    assert len(released["cells"]) == 12
    content = json.dumps({**released, "cells": [*released["cells"], *added]}).encode()
    assert compare(handed_in, assignment, content, f"{NAME}.ipynb") == sentence


def test_a_notebook_of_another_assignment_is_refused_in_the_same_words(
    handed_in: Course, assignment: Assignment, released: Notebook
) -> None:
    cells = [cell for cell in released["cells"] if cell["cell_type"] != "code"][:1]
    content = json.dumps({**released, "cells": cells}).encode()
    assert compare(handed_in, assignment, content, f"{NAME}.ipynb") == (
        f"none of the answer cells of {NAME} is in it; is it another assignment's notebook?"
    )


def recognised(assignment: Assignment, *cells: tuple[str, str]) -> Submission:
    """What is taken of cells (type and text) without metadata."""
    made = [{"cell_type": kind, "metadata": {}, "source": text} for kind, text in cells]
    return take(parse(json.dumps({"cells": made}).encode()), assignment.description)


def test_answers_are_recognised_by_what_they_define(assignment: Assignment) -> None:
    small = next(cell.source for cell in assignment.tests if not cell.hidden)
    taken = recognised(
        assignment,
        ("code", "half = 0.5"),
        ("code", "import math"),
        ("code", "def mean(values):\n    return 0"),
        ("code", "%time\nasync def mean(values):\n    return 1"),
        ("code", small),
        ("code", "spread: object = len"),
        ("code", "x = mean == spread"),
    )
    assert taken.answers == {
        "q1_mean": "%time\nasync def mean(values):\n    return 1",
        "q2_spread": "spread: object = len",
    }
    assert [extra.source for extra in taken.extras] == [
        "half = 0.5",
        "def mean(values):\n    return 0",
        "x = mean == spread",
    ]
    assert "q3_reason is missing from the notebook" in taken.notes


def test_what_defines_nothing_is_recognised_by_its_place(assignment: Assignment) -> None:
    text = {cell.grade_id: cell.source for cell in assignment.cells}
    before = [("markdown", text["q1_text"]), ("code", "def maen(values):\n    return 1")]
    behind = [("markdown", text["q3_text"]), ("markdown", "A sum of squares.")]
    taken = recognised(
        assignment, *before, ("markdown", text["q2_text"]), ("code", "def spread(v): 1"), *behind
    )
    assert taken.answers == {
        "q1_mean": "def maen(values):\n    return 1",
        "q2_spread": "def spread(v): 1",
        "q3_reason": "A sum of squares.",
    }
    two = recognised(assignment, ("code", "def mean(v): 1"), *behind, ("markdown", "And more."))
    assert two.answers == {
        "q1_mean": "def mean(v): 1",
        "q3_reason": "A sum of squares.\n\nAnd more.",  # nobody else's place: nothing is lost
    }
    assert two.extras == ()


def test_nothing_is_recognised_in_an_unrelated_notebook(assignment: Assignment) -> None:
    """Even one with as many cells as there are answers."""
    with pytest.raises(NotebookError, match="none of the answer cells"):
        recognised(assignment, ("code", "x = 1"), ("code", "y = 2"), ("markdown", "words"))


def renamed(released: Notebook, assignment: str, number: int) -> Notebook:
    """The notebook of another assignment, whose cells' names differ but for the first few."""
    about = copy.deepcopy(released["metadata"][KEY])
    about["assignment"] = assignment
    new = {cell["grade_id"]: f"other_{cell['grade_id']}" for cell in about["cells"][number:]}
    for cell in about["cells"]:
        cell["grade_id"] = new.get(cell["grade_id"], cell["grade_id"])
    cells = copy.deepcopy(released["cells"])
    for cell in cells:
        if own := cell["metadata"].get("nbgrader"):
            own["grade_id"] = new.get(own["grade_id"], own["grade_id"])
    return {**released, "metadata": {KEY: about}, "cells": cells}


@pytest.mark.parametrize("shared", [0, 3])
def test_an_added_cell_in_another_assignments_notebook_is_no_answer(
    assignment: Assignment, released: Notebook, shared: int
) -> None:
    """Else a download graded as the wrong assignment would take the place of the right one."""
    other = renamed(released, "ps7_other", shared)
    own = [{"cell_type": kind, "metadata": {}, "source": "x"} for kind in ("markdown", "code")]
    content = json.dumps({**other, "cells": [*other["cells"], *own]}).encode()
    with pytest.raises(
        NotebookError, match=f"^it is a notebook of ps7_other, wanted one of {NAME}"
    ):
        take(parse(content), assignment.description)


@pytest.mark.parametrize("names_too", [False, True])
def test_work_for_an_assignment_that_was_renamed_is_taken(
    assignment: Assignment, released: Notebook, names_too: bool
) -> None:
    """Whether its cells still have their names, or have lost them."""
    other = renamed(released, "ps0_small", 100)  # all keep their names
    if names_too:
        other["cells"] = [{**cell, "metadata": {}} for cell in other["cells"]]
    taken = take(parse(json.dumps(other).encode()), assignment.description)
    assert {"q1_mean", "q2_spread"} <= set(taken.answers)


def test_a_cell_that_was_given_another_name_is_not_recognised(assignment: Assignment) -> None:
    cell = {
        "cell_type": "code",
        "metadata": {"nbgrader": {"grade_id": "q9_mean"}},
        "source": "def mean(values):\n    return 1",
    }
    with pytest.raises(NotebookError, match="none of the answer cells"):
        take(parse(json.dumps({"cells": [cell]}).encode()), assignment.description)
