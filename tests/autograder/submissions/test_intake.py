"""Submissions as they come: what is taken from a notebook, and LMS downloads."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import tracemalloc
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import Rejected
from autograder.submissions import unpacking
from autograder.submissions.collect import collect
from autograder.submissions.intake import read_submission
from gradekit.notebook import Extra, Submission, assemble, reading
from tests.autograder.tinycourse import NAME


def code(source: str, name: str = "") -> dict[str, Any]:
    meta = {"nbgrader": {"grade_id": name}} if name else {}
    return {"cell_type": "code", "metadata": meta, "source": source}


def hand_in(course: Course, content: object, student: str = "s") -> Path:
    path = course.notebook("submitted", NAME, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(text)
    return path


def taken(tmp_path: Path, assignment: Assignment, *cells: dict[str, Any]) -> Submission:
    course = Course(tmp_path)
    hand_in(course, {"cells": cells})
    submission = read_submission(course, assignment, "s")
    assert isinstance(submission, Submission)
    return submission


def test_extra_cells_stay_where_they_stood(tmp_path: Path, assignment: Assignment) -> None:
    submission = taken(
        tmp_path,
        assignment,
        code("first"),
        code("import math"),  # stands in the source: not an extra cell
        code("before mean"),
        code("the mean", "q1_mean"),
        code("after mean"),
        code("spoilt", "q1_small_visible"),
        code("after test"),
        code("the spread", "q2_spread"),
    )
    sources = [
        step.source for step in assemble(assignment.cells, submission) if step.kind == "code"
    ]
    tests = [test.source for test in assignment.tests]
    assert sources == [
        "first",
        "import math",
        "before mean",
        "the mean",
        "after mean",
        tests[0],
        "after test",
        *tests[1:2],
        "the spread",
        *tests[2:],
    ]


def test_of_two_copies_the_last_counts(tmp_path: Path, assignment: Assignment) -> None:
    submission = taken(tmp_path, assignment, code("old", "q1_mean"), code("new", "q1_mean"))
    assert submission.answers["q1_mean"] == "new"
    assert "q1_mean appears more than once; the last one counts" in submission.notes
    assert "q2_spread is missing from the notebook" in submission.notes


def test_changed_given_code_is_mentioned(tmp_path: Path, assignment: Assignment) -> None:
    cells = tuple(
        replace(cell, grade_id="setup", locked=True) if cell.source == "import math" else cell
        for cell in assignment.cells
    )
    submission = taken(
        tmp_path,
        replace(assignment, cells=cells),
        code("import numpy", "setup"),
        code("the mean", "q1_mean"),
    )
    assert "setup was changed; the original was run" in submission.notes


def test_text_that_cannot_be_written_is_cleaned(tmp_path: Path, assignment: Assignment) -> None:
    submission = taken(tmp_path, assignment, code("a\ud800b\x00c", "q1_mean"))
    assert submission.answers["q1_mean"] == "a?bc"


def whole(assignment: Assignment) -> list[dict[str, Any]]:
    """Every answer cell with the reference's text."""
    return [
        code(cell.source, cell.grade_id) | {"cell_type": cell.kind}
        for cell in assignment.cells
        if cell.grade_id in assignment.answers
    ]


UNREADABLE = {
    b"": "the file is empty",
    b"\xff\xfe": "not a notebook (it is not valid JSON)",
    b"[" * 100_000: "not a notebook (it is not valid JSON)",
    b"[1, 2]": "not a notebook of format 4 (it has no list of cells)",
    b'{"worksheets": []}': "a notebook of format 3 or older, wanted format 4: open it in Jupyter "
    "and save it",
    b'{"nbformat": 4}': "not a notebook of format 4 (it has no list of cells)",
    b'{"cells": {}}': "not a notebook of format 4 (it has no list of cells)",
    b'{"cells": "x"}': "not a notebook of format 4 (it has no list of cells)",
    b'{"cells": [{"source": ["x", 7]}]}': "cell 1 has no text",
    b'{"cells": [{"source": null}, null]}': f"none of the answer cells of {NAME} is in it; "
    "is it another assignment's notebook?",
    b'{"x":' * 100_000 + b"1" + b"}" * 100_000: "not a notebook (it is not valid JSON)",
    b'{"x": %s}' % (b"9" * 5_000): "not a notebook (it is not valid JSON)",
    b"[" + b"[]," * 600_000 + b"0]": "not a notebook (it has more than 500,000 lists and objects)",
    b'{"cells": [7]}': "not a notebook of format 4 (it has no list of cells)",
    b'{"cells": [{"source": 7}]}': "cell 1 has no text",
    b'{"cells": []}': f"none of the answer cells of {NAME} is in it; "
    "is it another assignment's notebook?",
}


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: repr(content[:12]))
def test_what_is_unreadable_is_said(tmp_path: Path, assignment: Assignment, content: bytes) -> None:
    hand_in(Course(tmp_path), content)
    rejected = read_submission(Course(tmp_path), assignment, "s")
    assert rejected == Rejected("s", NAME, "unreadable", UNREADABLE[content])


def test_sizes_are_capped(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1_000_000)
    hand_in(Course(tmp_path), b" " * 1_000_001)
    rejected = read_submission(Course(tmp_path), assignment, "s")
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "larger than 1 MB"


def text_of(answer: str) -> str:
    """A notebook that the import accepts, with one answer."""
    return json.dumps({"cells": [code(answer, "q1_mean")]})


def submitted(course: Course) -> dict[str, str]:
    return {
        path.relative_to(course.submitted).as_posix(): json.loads(path.read_text())["cells"][0][
            "source"
        ]
        for path in sorted(course.submitted.rglob("*.ipynb"))
    }


def test_folders_and_flat_files_are_taken_in(tmp_path: Path, assignment: Assignment) -> None:
    download = tmp_path / "download"
    for name in ("ann", f"ben/{NAME}", "Çelik, Ada"):
        (download / name).mkdir(parents=True)
        (download / name / f"{NAME}.ipynb").write_text(text_of(name))
    (download / "eve.ipynb").write_text(text_of("eve"))
    (download / f"fay_{NAME}.ipynb").write_text(text_of("fay"))
    (download / "notes.txt").write_text("no")
    (download / "link.ipynb").symlink_to(download / "eve.ipynb")
    (download / "ann" / "link.ipynb").symlink_to(download / "eve.ipynb")
    course = Course(tmp_path / "course")
    done = collect(download, course, assignment)
    assert submitted(course) == {
        f"{student}/{NAME}/{NAME}.ipynb": content
        for student, content in {
            "ann": "ann",
            "ben": f"ben/{NAME}",
            "eve": "eve",
            "fay": "fay",
            "Çelik, Ada": "Çelik, Ada",
        }.items()
    }
    assert len(done.students) == 5
    assert sorted(line.split(":")[0] for line in done.skipped) == [
        "ann/link.ipynb",
        "link.ipynb",
        "notes.txt",
    ]


def test_a_zip_file_is_taken_in_and_stays_inside(tmp_path: Path, assignment: Assignment) -> None:
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"class/ann/{NAME}.ipynb", text_of("ann"))
        archive.writestr("class/ben.ipynb", text_of("ben"))
        archive.writestr("../../evil.ipynb", "evil")
        archive.writestr("/tmp/evil.ipynb", "evil")
        link = zipfile.ZipInfo("class/link.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    course = Course(tmp_path / "course")
    done = collect(path, course, assignment)
    assert submitted(course) == {
        f"ann/{NAME}/{NAME}.ipynb": "ann",
        f"ben/{NAME}/{NAME}.ipynb": "ben",
    }
    assert len(done.skipped) == 3
    assert not list(tmp_path.rglob("evil*"))


def test_a_later_hand_in_replaces_the_earlier(tmp_path: Path, assignment: Assignment) -> None:
    course = Course(tmp_path / "course")
    for name in ("first name.ipynb", f"{NAME}.ipynb"):
        download = tmp_path / name.split(".")[0]
        (download / "ann").mkdir(parents=True)
        (download / "ann" / name).write_text(text_of(name))
        collect(download, course, assignment)
    assert submitted(course) == {f"ann/{NAME}/{NAME}.ipynb": f"{NAME}.ipynb"}


def test_an_empty_download_is_an_error(tmp_path: Path, assignment: Assignment) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="no submissions in"):
        collect(tmp_path / "empty", Course(tmp_path / "course"), assignment)


@pytest.mark.parametrize("where", ["course", "course/source", ".", "link"])
def test_the_course_folder_is_no_download(
    where: str, tmp_path: Path, assignment: Assignment
) -> None:
    course = Course(tmp_path / "course")
    notebook = course.notebook("source", NAME)
    notebook.parent.mkdir(parents=True)
    notebook.write_text(text_of("the solution"))
    (tmp_path / "link").symlink_to(course.root)
    with pytest.raises(CourseError, match=r"lie inside one another|is the course folder itself"):
        collect(tmp_path / where, course, assignment)
    assert not course.submitted.exists()


def test_a_download_without_a_readable_submission_is_refused(
    tmp_path: Path, assignment: Assignment
) -> None:
    download = tmp_path / "download"
    (download / "photos").mkdir(parents=True)
    (download / "ann.ipynb").write_text("{ not JSON")
    (download / "ben.ipynb").write_text(json.dumps({"cells": [code("x", "other_cell")]}))
    course = Course(tmp_path / "course")
    with pytest.raises(CourseError, match=f"holds an answer cell of {NAME}"):
        collect(download, course, assignment)
    assert not course.submitted.exists()


def test_an_unreadable_submission_among_good_ones_is_taken_in(
    tmp_path: Path, assignment: Assignment
) -> None:
    download = tmp_path / "download"
    download.mkdir()
    (download / "ann.ipynb").write_text("{ not JSON")
    (download / "ben.ipynb").write_text(text_of("ben"))
    course = Course(tmp_path / "course")
    assert collect(download, course, assignment).students == {"ann", "ben"}
    assert isinstance(read_submission(course, assignment, "ann"), Rejected)
    assert isinstance(read_submission(course, assignment, "ben"), Submission)


def test_a_notebook_named_like_the_assignment_names_no_student(
    tmp_path: Path, assignment: Assignment
) -> None:
    download = tmp_path / "download"
    download.mkdir()
    (download / f"{NAME}.ipynb").write_text(text_of("whose?"))
    (download / "ben.ipynb").write_text(text_of("ben"))
    done = collect(download, Course(tmp_path / "course"), assignment)
    assert done.students == {"ben"}
    assert done.skipped == [f"{NAME}.ipynb: names no student"]


def test_more_than_three_notes_of_a_kind_are_summed_up(
    tmp_path: Path, assignment: Assignment
) -> None:
    answers = whole(assignment)
    bare = taken(tmp_path, assignment, *answers)
    assert bare.notes == ("4 given cells were deleted; the originals were run",)
    first, *others = (test.grade_id for test in assignment.tests)
    one_left = taken(tmp_path, assignment, *answers, code(assignment.tests[0].source, first))
    assert one_left.notes == tuple(f"{n} was deleted; the original was run" for n in others)


def reason(course: Course, assignment: Assignment, student: str = "s") -> str:
    rejected = read_submission(course, assignment, student)
    assert isinstance(rejected, Rejected)
    assert rejected.reason.isprintable()
    assert len(rejected.reason) < 200
    return rejected.reason


SHAPES: dict[str, dict[str, Any]] = {
    "format 3 that has cells": {"nbformat": 3},
    "format 5": {"nbformat": 5, "nbformat_minor": 99},
    "format as text": {"nbformat": "4"},
    "format as list": {"nbformat": [], "nbformat_minor": {}},
    "another kernel": {"metadata": {"kernelspec": {"name": "bash", "language": "sh"}}},
    "metadata of another type": {"metadata": 7},
    "NaN": {"metadata": {"x": float("nan"), "y": float("inf")}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_surrounds_the_cells_does_not_matter(
    shape: str, tmp_path: Path, assignment: Assignment
) -> None:
    hand_in(Course(tmp_path), {"cells": whole(assignment), **SHAPES[shape]})
    submission = read_submission(Course(tmp_path), assignment, "s")
    assert isinstance(submission, Submission)
    assert submission.answers == assignment.answers


@pytest.mark.parametrize("schema", [0, 1, 2, 99, -1, "3", None, [3], {"x": 1}, 1e300])
def test_the_schema_version_does_not_matter(
    schema: object, tmp_path: Path, assignment: Assignment
) -> None:
    cells = whole(assignment)
    for cell in cells:
        cell["metadata"]["nbgrader"]["schema_version"] = schema
    assert taken(tmp_path, assignment, *cells).answers == assignment.answers


@pytest.mark.parametrize("name", [7, 1.5, None, True, ["q1_mean"], {"q1_mean": 1}, "q" * 100_000])
def test_a_name_of_another_kind_names_nothing(
    name: object, tmp_path: Path, assignment: Assignment
) -> None:
    cells = whole(assignment)
    cells[0]["metadata"]["nbgrader"]["grade_id"] = name
    cells[0]["source"] = "1"  # else it would be recognised by what it defines
    submission = taken(tmp_path, assignment, *cells)
    assert "q1_mean" not in submission.answers
    assert "q1_mean is missing from the notebook" in submission.notes
    assert submission.extras == (Extra(-1, "code", "1"),)


@pytest.mark.parametrize("kind", ["markdown", "raw", "heading", 7, None, ["code"]])
def test_an_answer_cell_of_another_type_still_answers(
    kind: object, tmp_path: Path, assignment: Assignment
) -> None:
    cells = whole(assignment)
    cells[0]["cell_type"] = kind
    submission = taken(tmp_path, assignment, *cells)
    assert submission.answers == assignment.answers
    assert "q1_mean has another cell type; its text was taken as the answer" in submission.notes
    steps = assemble(assignment.cells, submission)
    assert [step.kind for step in steps] == [cell.kind for cell in assignment.cells]


def test_of_two_equal_keys_the_last_counts(tmp_path: Path, assignment: Assignment) -> None:
    cells = json.dumps(whole(assignment))
    hand_in(Course(tmp_path), f'{{"cells": [7], "cells": {cells}}}'.encode())
    assert isinstance(read_submission(Course(tmp_path), assignment, "s"), Submission)


def test_cells_are_counted(tmp_path: Path, assignment: Assignment) -> None:
    cells = whole(assignment)
    hand_in(Course(tmp_path), {"cells": cells + [code("x")] * (2_000 - len(cells))})
    assert isinstance(read_submission(Course(tmp_path), assignment, "s"), Submission)
    hand_in(Course(tmp_path), {"cells": cells + [code("x")] * (2_001 - len(cells))})
    assert reason(Course(tmp_path), assignment) == "more than 2,000 cells"


def test_the_text_of_a_cell_is_capped(tmp_path: Path, assignment: Assignment) -> None:
    hand_in(Course(tmp_path), {"cells": [code("x" * 1_000_000, "q1_mean")]})
    assert isinstance(read_submission(Course(tmp_path), assignment, "s"), Submission)
    hand_in(Course(tmp_path), {"cells": [code("x" * 15_000_000, "q1_mean")]})
    assert reason(Course(tmp_path), assignment) == "cell 1 holds more than 1,000,000 characters"


def test_attached_images_do_not_count_as_text(tmp_path: Path, assignment: Assignment) -> None:
    photograph = "A" * 2_000_000
    cell = code(
        "![a](attachment:my%20photo.jpg) ![b](attachment:x) ![c](attachment:y)", "q3_reason"
    )
    cell |= {
        "cell_type": "markdown",
        "attachments": {
            "my photo.jpg": {"image/jpeg": photograph + "\n"},
            "x": {"image/svg+xml": "PHN2Zz4="},
            "y": {"image/png": '"onload='},
        },
    }
    address = f"data:image/jpeg;base64,{photograph}"
    pasted = code(f"![a]({address})")
    submission = taken(tmp_path, assignment, cell, pasted | {"cell_type": "markdown"})
    wanted = f"![a]({address}) ![b](attachment:x) ![c](attachment:y)"
    assert submission.answers["q3_reason"] == wanted
    assert submission.extras[0].source == f"![a]({address})"


def test_an_attachment_is_taken_once(tmp_path: Path, assignment: Assignment) -> None:
    cell = code("![a](attachment:x)" * 1_000, "q3_reason") | {"cell_type": "markdown"}
    cell["attachments"] = {"x": {"image/png": "A" * 10_000}}
    assert len(taken(tmp_path, assignment, cell).answers["q3_reason"]) < 40_000


def test_a_large_file_is_refused_unread(tmp_path: Path, assignment: Assignment) -> None:
    path = hand_in(Course(tmp_path), b"")
    with open(path, "wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        assert reason(Course(tmp_path), assignment) == "larger than 20 MB"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_grows_is_capped_while_read(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hand_in(Course(tmp_path), b"{}")
    monkeypatch.setattr(reading, "MAX_BYTES", 100_000)

    def grow(handle: int) -> os.stat_result:
        info = stated(handle)
        path.write_bytes(b" " * 1_000_000)
        return info

    stated = os.fstat
    monkeypatch.setattr(os, "fstat", grow)
    assert reason(Course(tmp_path), assignment) == "larger than 0 MB"


def test_a_file_that_is_exchanged_is_noticed(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hand_in(Course(tmp_path), {"cells": whole(assignment)})
    other = tmp_path / "secret"
    other.write_bytes(path.read_bytes())

    def exchange(name: Path, flags: int) -> int:
        os.replace(other, path)
        return opened(name, flags)

    opened = os.open
    monkeypatch.setattr(os, "open", exchange)
    assert reason(Course(tmp_path), assignment).endswith("was replaced while it was read")


def outside(tmp_path: Path, assignment: Assignment) -> Path:
    """A folder of someone else's, with a notebook that would be worth having."""
    folder = tmp_path / "outside"
    (folder / NAME).mkdir(parents=True)
    for place in (folder, folder / NAME):
        text = json.dumps({"cells": whole(assignment)})
        (place / f"{NAME}.ipynb").write_text(text)
    return folder


@pytest.mark.parametrize("level", ["student", "assignment", "notebook", "dangling", "hard link"])
def test_no_link_is_followed(level: str, tmp_path: Path, assignment: Assignment) -> None:
    course, other = Course(tmp_path / "course"), outside(tmp_path, assignment)
    path = course.notebook("submitted", NAME, "s")
    match level:
        case "student":
            course.submitted.mkdir(parents=True)
            (course.submitted / "s").symlink_to(other)
        case "assignment":
            path.parent.parent.mkdir(parents=True)
            path.parent.symlink_to(other / NAME)
        case _:
            path.parent.mkdir(parents=True)
            target = other / f"{NAME}.ipynb" if level != "dangling" else other / "nothing"
            path.hardlink_to(target) if level == "hard link" else path.symlink_to(target)
    assert " link" in reason(course, assignment)


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device", "no rights"])
def test_only_regular_files_are_read(
    kind: str, tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(tmp_path)
    path = hand_in(course, b"{}")
    path.unlink()
    wanted = f"{NAME}.ipynb is not a regular file"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            monkeypatch.chdir(path.parent)  # a socket's path is short
            socket.socket(socket.AF_UNIX).bind(path.name)
        case "folder":
            path.mkdir()
        case "device":
            info = os.stat("/dev/null")
            monkeypatch.setattr(os, "lstat", lambda _: info)
            path.touch()
        case "no rights":
            path.touch()
            wanted = f"{NAME}.ipynb: Permission denied"

            def refuse(*_: object) -> int:
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr(os, "open", refuse)
    assert reason(course, assignment) == wanted


NAMES = {
    "new line": "a\nb.ipynb",
    "right to left": "a\u202ebpyni.ipynb",
    "escape": "\x1b]0;x\x07.ipynb",
    "long": "x" * 240 + ".ipynb",
    "markup": "<script>alert(1)<!.ipynb",
    "formula": "=1+1.ipynb",
    "dash": "--from.ipynb",
    "not UTF-8": os.fsdecode(b"\xff\xfe.ipynb"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_read_and_its_name_shown_plainly(
    name: str, tmp_path: Path, assignment: Assignment
) -> None:
    course = Course(tmp_path)
    path = hand_in(course, {"cells": whole(assignment)})
    path.rename(path.with_name(NAMES[name]))
    submission = read_submission(course, assignment, "s")
    assert isinstance(submission, Submission)
    (found,) = (note for note in submission.notes if note.startswith("found "))
    assert found.isprintable()
    assert len(found) < 100
    hand_in(course, {}).rename(path.with_name("second.ipynb"))
    assert reason(course, assignment).startswith("found ")
    path.with_name("second.ipynb").unlink()
    path.with_name(NAMES[name]).rename(path.with_name(NAMES[name] + ".txt"))
    assert reason(course, assignment).startswith("found ")


def test_a_reason_is_short_whatever_is_named_in_it(tmp_path: Path, assignment: Assignment) -> None:
    long = replace(assignment, name="x" * 200)
    course = Course(tmp_path)
    (course.submitted / "s" / long.name).mkdir(parents=True)
    assert reason(course, long).startswith("found nothing, wanted xxx")


def download(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "download"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text_of(name))
    return folder


def test_no_link_in_a_download_is_followed(tmp_path: Path, assignment: Assignment) -> None:
    other = outside(tmp_path, assignment)
    folder = download(tmp_path, "good.ipynb", f"inner/{NAME}.ipynb")
    (folder / "flat.ipynb").symlink_to(other / f"{NAME}.ipynb")
    (folder / "hard.ipynb").hardlink_to(other / f"{NAME}.ipynb")
    (folder / "student").symlink_to(other)
    (folder / "inner" / NAME).symlink_to(other / NAME)
    os.mkfifo(folder / "pipe.ipynb")
    course = Course(tmp_path / "course")
    done = collect(folder, course, assignment)
    assert set(submitted(course)) == {
        f"good/{NAME}/{NAME}.ipynb",
        f"inner/{NAME}/{NAME}.ipynb",
    }
    assert sorted(done.skipped) == [
        "flat.ipynb: a link",
        "hard.ipynb: hard.ipynb is a hard link: the same file lies elsewhere too; copy it",
        f"inner/{NAME}: a link",
        "pipe.ipynb: pipe.ipynb is not a regular file",
        "student: a link",
    ]


def test_nothing_is_written_through_a_link(tmp_path: Path, assignment: Assignment) -> None:
    course = Course(tmp_path / "course")
    other = tmp_path / "other"
    other.mkdir()
    course.submitted.mkdir(parents=True)
    (course.submitted / "ann").symlink_to(other)
    done = collect(download(tmp_path, "ann.ipynb", "ben.ipynb"), course, assignment)
    assert done.skipped == ["ann: its folder under submitted is a link"]
    assert list(other.iterdir()) == []
    assert done.students == {"ben"}


def test_one_student_who_cannot_be_written_stops_nobody(
    tmp_path: Path, assignment: Assignment
) -> None:
    course = Course(tmp_path / "course")
    (course.submitted / "ann").mkdir(parents=True)
    (course.submitted / "ann" / NAME).write_text("a file where a folder should be")
    done = collect(download(tmp_path, "ann.ipynb", "ben.ipynb"), course, assignment)
    assert done.skipped == ["ann: a file stands where its folder would"]
    assert set(submitted(course)) == {f"ben/{NAME}/{NAME}.ipynb"}


BAD_NAMES = {
    "leading dash": "-rf",
    "device": "CON",
    "device with suffix": "aux.txt",
    "the index": "index.html",
    "trailing space": "ann ",
    "new line": "a\nb",
    "right to left": "a\u202eb",
    "invisible": "a\u200bb",
    "escape": "a\x1b[31m",
    "not UTF-8": os.fsdecode(b"a\xff"),
    "long": "a" * 101,
    "long in bytes": "\u0bb9" * 80,
    "formula": "=1",
    "markup": "<b>",
    "colon": "c:x",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path, assignment: Assignment) -> None:
    folder = download(tmp_path, "good.ipynb", f"{BAD_NAMES[name]}/{NAME}.ipynb")
    course = Course(tmp_path / "course")
    done = collect(folder, course, assignment)
    assert done.students == {"good"}
    (line,) = done.skipped
    reserved = name in {"device", "device with suffix", "the index"}
    why = (
        "a system keeps it for itself"
        if reserved
        else "digits, spaces and .,@'()+-_, no sign but _ first"
    )
    assert "not usable as a student's name; " in line
    assert line.endswith(why)
    assert line.isprintable()


@pytest.mark.parametrize("name", ["Çelik, Ada", "हिन्दी", "O’Neil-Smith Jr.", "李 雷", "_x", "7"])
def test_names_of_all_scripts_are_good(name: str, tmp_path: Path, assignment: Assignment) -> None:
    decomposed = unicodedata.normalize("NFD", name)  # as macOS writes it
    folder = download(tmp_path, f"{decomposed}/{NAME}.ipynb")
    done = collect(folder, Course(tmp_path / "course"), assignment)
    assert done.students == {name}


@pytest.mark.parametrize(
    "pair", [("ann", "ANN"), ("\u00c7a", "C\u0327a"), ("ﬁ", "fi"), ("ａnn", "ann")]
)
def test_names_that_are_almost_the_same_are_refused(
    pair: tuple[str, str], tmp_path: Path, assignment: Assignment
) -> None:
    folder = download(tmp_path, *(f"{name}/{NAME}.ipynb" for name in pair))
    course = Course(tmp_path / "course")
    with pytest.raises(CourseError, match="can't be told apart"):
        collect(folder, course, assignment)
    assert not course.submitted.exists()


def zipped(tmp_path: Path, **entries: bytes) -> Path:
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"good.ipynb": text_of("good").encode(), **entries}.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def taken_in(path: Path, tmp_path: Path, assignment: Assignment) -> tuple[Course, list[str]]:
    """Import a zip file; whatever is in it, nothing appears outside submitted/."""
    course = Course(tmp_path / "course")
    before = set(tmp_path.rglob("*"))
    done = collect(path, course, assignment)
    new = set(tmp_path.rglob("*")) - before - {course.root, course.submitted}
    assert all(course.submitted in p.parents for p in new)
    assert all(line.isprintable() for line in done.skipped)
    return course, done.skipped


@pytest.mark.parametrize(
    "name",
    [
        "../evil.ipynb",
        "a/../../evil.ipynb",
        "..\\..\\evil.ipynb",
        "\\evil.ipynb",
        "{tmp}/evil.ipynb",
        "{back}\\evil.ipynb",
        "C:\\evil.ipynb",
        "c:evil.ipynb",
    ],
)
def test_no_entry_is_unpacked_elsewhere(name: str, tmp_path: Path, assignment: Assignment) -> None:
    place = str(tmp_path)
    name = name.format(tmp=place, back=place.replace("/", "\\"))
    course, skipped = taken_in(
        zipped(tmp_path, **{name: text_of("evil").encode()}), tmp_path, assignment
    )
    assert list(submitted(course)) == [f"good/{NAME}/{NAME}.ipynb"]
    (line,) = skipped
    assert line.endswith(": not a plain file")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_only_plain_entries_are_unpacked(mode: int, tmp_path: Path, assignment: Assignment) -> None:
    path = zipped(tmp_path)
    entry = zipfile.ZipInfo("evil.ipynb")
    entry.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    _, skipped = taken_in(path, tmp_path, assignment)
    assert skipped == ["evil.ipynb: not a plain file"]


def test_what_is_unpacked_is_counted(tmp_path: Path, assignment: Assignment) -> None:
    zeros = b" " * 21_000_000
    noise = os.urandom(2_000_000)
    path = zipped(
        tmp_path, **{"big.ipynb": zeros, "bomb.ipynb": zeros[:10_000_000], "ok.ipynb": noise}
    )
    _, skipped = taken_in(path, tmp_path, assignment)
    assert skipped == [
        "big.ipynb: larger than 20 MB",
        "bomb.ipynb: packed more than 200 times",
    ]


def patch_sizes(path: Path, name: str, **fields: int) -> None:
    """Change what the zip file's directory says of an entry."""
    content = bytearray(path.read_bytes())
    places = {"flags": (8, "<H"), "method": (10, "<H"), "packed": (20, "<L"), "size": (24, "<L")}
    start = content.rindex(name.encode()) - 46
    assert content[start : start + 4] == b"PK\x01\x02"
    for field, value in fields.items():
        offset, code_ = places[field]
        struct.pack_into(code_, content, start + offset, value)
    path.write_bytes(content)


def test_a_size_that_lies_is_of_no_use(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path, **{"liar.ipynb": os.urandom(500_000), "two.ipynb": os.urandom(300_000)})
    patch_sizes(path, "liar.ipynb", size=10)
    patch_sizes(path, "two.ipynb", size=10_000_000)
    monkeypatch.setattr(reading, "MAX_BYTES", 100_000)
    _, skipped = taken_in(path, tmp_path, assignment)
    assert len(skipped) == 2
    monkeypatch.setattr(unpacking, "_refused", lambda *_: "")  # nothing said is believed
    _, skipped = taken_in(
        zipped(tmp_path, **{"x.ipynb": os.urandom(200_000)}), tmp_path, assignment
    )
    assert skipped == ["x.ipynb: larger than 0 MB"]
    monkeypatch.setattr(reading, "MAX_BYTES", 20_000_000)
    monkeypatch.setattr(unpacking, "_MAX_TOTAL", 100_000)
    with pytest.raises(CourseError, match="unpacks to more than"):
        taken_in(zipped(tmp_path, **{"x.ipynb": os.urandom(200_000)}), tmp_path, assignment)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"flags": 1}, "encrypted"),
        ({"method": zipfile.ZIP_LZMA}, "packed in a way that is not read (wanted deflate)"),
        ({"method": 99}, "packed in a way that is not read (wanted deflate)"),
        ({"packed": 4}, ""),
        ({"method": zipfile.ZIP_STORED}, ""),
    ],
)
def test_an_entry_that_cannot_be_unpacked_is_skipped(
    fields: dict[str, int], why: str, tmp_path: Path, assignment: Assignment
) -> None:
    path = zipped(tmp_path, **{"evil.ipynb": text_of("evil").encode() * 3})
    patch_sizes(path, "evil.ipynb", **fields)
    course, skipped = taken_in(path, tmp_path, assignment)
    assert list(submitted(course)) == [f"good/{NAME}/{NAME}.ipynb"]
    (line,) = skipped
    assert line.startswith("evil.ipynb: ")
    assert line.endswith(why)


def test_odd_entries_are_skipped(tmp_path: Path, assignment: Assignment) -> None:
    path = zipped(
        tmp_path,
        **{"inner.zip": b"PK", "good.ipynb/x.ipynb": b"{}", "x" * 300 + ".ipynb": b"{}"},
    )
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("good.ipynb", text_of("second"))
    course, skipped = taken_in(path, tmp_path, assignment)
    assert submitted(course) == {f"good/{NAME}/{NAME}.ipynb": "good"}
    assert [line.rsplit(": ", 1)[1] for line in skipped] == [
        "its name appears more than once; the first was taken",
        "File name too long",
        "its name appears more than once; the first was taken",
    ]


def test_a_zip_file_that_cannot_be_opened_is_kept(tmp_path: Path, assignment: Assignment) -> None:
    course, _ = taken_in(zipped(tmp_path, **{"ada.zip": b"PK"}), tmp_path, assignment)
    assert (course.submitted / "ada" / NAME / "ada.zip").read_bytes() == b"PK"
    assert reason(course, assignment, "ada") == f"found ada.zip, wanted {NAME}.ipynb"


def test_an_entry_without_a_name_is_nothing(tmp_path: Path, assignment: Assignment) -> None:
    path = zipped(tmp_path, **{"evil.ipynb": b"{}"})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"evil.ipynb", b"\x00vil.ipynb"))
    course, skipped = taken_in(path, tmp_path, assignment)
    assert skipped == []
    assert list(submitted(course)) == [f"good/{NAME}/{NAME}.ipynb"]


def test_a_broken_zip_file_is_an_error(tmp_path: Path, assignment: Assignment) -> None:
    path = zipped(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", b"PKXX"))
    with pytest.raises(CourseError, match="can't be read as a zip file"):
        collect(path, Course(tmp_path / "course"), assignment)
