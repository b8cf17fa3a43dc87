"""Whatever is handed in, the intake answers in one of two ways and says why in one sentence."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import Rejected, key_of
from autograder.submissions.collect import collect
from autograder.submissions.intake import read_submission
from autograder.submissions.unpacking import MAX_DEPTH
from gradekit.notebook import Submission, assemble
from tests.autograder.tinycourse import NAME

FUZZ = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture(scope="module")
def released(released_course: Course) -> Any:
    path = released_course.notebook("release", NAME)
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("fuzz"))
    course.notebook("submitted", NAME, "s").parent.mkdir(parents=True)
    return course


TEXT = st.text(max_size=20) | st.sampled_from(
    ["", "\x00", "\ud800", "\u202e", "q1_mean", "q3_reason", "q1_small_visible", "code", "raw"]
)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    yield way
    items: Any = ()
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, list):
        items = enumerate(node)
    for key, part in items:
        yield from places(part, (*way, key))


def replaced(node: Any, way: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy in which the container of a part was changed."""
    box = [copy.deepcopy(node)]
    container: Any = box
    for key in (0, *way)[:-1]:
        container = container[key]
    change(container, (0, *way)[-1])
    return box[0] if box else None


@st.composite
def spoilt(draw: st.DrawFn, start: Any) -> Any:
    """A notebook with a few random changes of its structure."""
    notebook = start
    for _ in range(draw(st.integers(1, 4))):
        way = draw(st.sampled_from(list(places(notebook))))
        kind = draw(st.sampled_from(["value", "delete", "double", "rename", "wrap"]))
        value = draw(JSON)

        def change(container: Any, key: Any, kind: str = kind, value: Any = value) -> None:
            if kind == "delete":
                del container[key]
            elif kind == "double" and isinstance(container, list):
                container.insert(0, copy.deepcopy(container[key]))
            elif kind == "rename" and isinstance(container, dict):
                container[str(value)] = container.pop(key)
            elif kind == "wrap":
                container[key] = [container[key]]
            else:
                container[key] = value

        notebook = replaced(notebook, way, change)
    return notebook


def check(course: Course, assignment: Assignment, content: bytes) -> Submission | Rejected:
    course.notebook("submitted", NAME, "s").write_bytes(content)
    taken = read_submission(course, assignment, "s")
    assert type(taken) in (Submission, Rejected)
    assert len(key_of(taken, "", "")) == 64
    if isinstance(taken, Rejected):
        assert taken.outcome == "unreadable"
        assert taken.reason.isprintable()
        assert 0 < len(taken.reason) < 200
        return taken
    assert taken.answers
    assert set(taken.answers) <= set(assignment.answers)
    texts = [*taken.answers.values(), *(extra.source for extra in taken.extras)]
    assert all(type(text) is str and "\x00" not in text and text.encode() for text in texts if text)
    assert all(-1 <= extra.after < len(assignment.cells) for extra in taken.extras)
    assert {extra.kind for extra in taken.extras} <= {"code", "markdown"}
    assert all(note.isprintable() and len(note) < 500 for note in taken.notes)
    assert len(taken.notes) < 20
    assert len(assemble(assignment.cells, taken)) == len(assignment.cells) + len(taken.extras)
    return taken


@settings(FUZZ, max_examples=1500)
@given(data=st.data())
def test_a_spoilt_notebook_is_read_or_refused(
    data: st.DataObject, fuzzed: Course, assignment: Assignment, released: Any
) -> None:
    content = json.dumps(data.draw(spoilt(released)))
    check(fuzzed, assignment, content.encode("utf-8", "surrogatepass"))


@settings(FUZZ, max_examples=500)
@given(content=JSON)
def test_any_json_is_read_or_refused(content: Any, fuzzed: Course, assignment: Assignment) -> None:
    check(fuzzed, assignment, json.dumps(content).encode("utf-8", "surrogatepass"))


@settings(FUZZ, max_examples=500)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes, fuzzed: Course, assignment: Assignment) -> None:
    assert isinstance(check(fuzzed, assignment, content), Rejected)


@settings(FUZZ, max_examples=500)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    data: st.DataObject, fuzzed: Course, assignment: Assignment, released: Any
) -> None:
    content = bytearray(json.dumps(released).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=5))
    check(fuzzed, assignment, bytes(content))


def import_zip(content: bytes, assignment: Assignment) -> None:
    """Import a zip file: a list of what was done or an error for a person, nothing outside."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        course = Course(root / "course")
        (root / "class.zip").write_bytes(content)
        with contextlib.suppress(CourseError):
            done = collect(root / "class.zip", course, assignment)
            assert all(line.isprintable() and len(line) < 300 for line in done.skipped)
            assert done.students <= {path.name for path in course.submitted.iterdir()}
        assert {path.name for path in root.iterdir()} <= {"course", "class.zip"}
        if course.root.exists():
            assert [path.name for path in course.root.iterdir()] == ["submitted"]
            for path in course.submitted.rglob("*"):
                assert path.is_dir() or (path.is_file() and not path.is_symlink())
                assert len(path.relative_to(course.submitted).parts) <= 2 + MAX_DEPTH


PART = st.sampled_from(["..", ".", "", "a", "ann", "C:", "CON", "\\", "\\..", NAME, "x\n", "é"])
ENTRY = st.lists(PART | st.text(max_size=8), min_size=1, max_size=6).map("/".join)
FILES = st.lists(
    st.tuples(
        ENTRY.map(lambda name: name + ".ipynb") | ENTRY,
        st.sampled_from([0, 0o100644, 0o120777, 0o010644, 0o020666, 0o040755]),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]),
        st.booleans(),
    ),
    max_size=6,
)


def make_zip(files: list[tuple[str, int, int, bool]], assignment: Assignment) -> bytes:
    cell = {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "q1_mean"}}, "source": "x"}
    good = json.dumps({"cells": [cell]})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("class/good.ipynb", good)
        for name, mode, packing, is_good in files:
            entry = zipfile.ZipInfo("x" + name.encode("utf-8", "replace").decode())
            entry.filename = entry.filename[1:] or "x"  # may be cut at a NUL by ZipInfo itself
            entry.external_attr = mode << 16
            entry.compress_type = packing
            archive.writestr(entry, good if is_good else "{")
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(FUZZ, max_examples=400)
@given(files=FILES)
def test_a_zip_file_of_any_names_stays_inside(
    files: list[tuple[str, int, int, bool]], assignment: Assignment
) -> None:
    import_zip(make_zip(files, assignment), assignment)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(FUZZ, max_examples=400)
@given(files=FILES, data=st.data())
def test_a_damaged_zip_file_is_read_or_refused(
    files: list[tuple[str, int, int, bool]], data: st.DataObject, assignment: Assignment
) -> None:
    content = bytearray(make_zip(files, assignment))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.sampled_from([1, 1, 1, 2, 4]))] = data.draw(
            st.binary(min_size=1, max_size=4)
        )
    import_zip(bytes(content), assignment)
