"""Submissions as they come: what is taken from a notebook, and LMS downloads."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinycourse import NAME

from autograder import intake
from autograder.assignment import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.intake import collect, read_submission
from autograder.rebuild import rebuild
from autograder.results import Rejected, Submission


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
    sources = [step.source for step in rebuild(assignment, submission) if step.kind == "code"]
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


UNREADABLE = {
    b"": "the file is empty",
    b"\xff\xfe": "not a notebook (it is not valid JSON)",
    b"[" * 100_000: "not a notebook (it is not valid JSON)",
    b"[1, 2]": "not a notebook of format 4 (it has no list of cells)",
    b'{"worksheets": []}': "not a notebook of format 4 (it has no list of cells)",
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
    monkeypatch.setattr(intake, "MAX_BYTES", 1_000_000)
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
    answers = [code(text, name) for name, text in assignment.answers.items()]
    bare = taken(tmp_path, assignment, *answers)
    assert bare.notes == ("4 given cells were deleted; the originals were run",)
    first, *others = (test.grade_id for test in assignment.tests)
    one_left = taken(tmp_path, assignment, *answers, code(assignment.tests[0].source, first))
    assert one_left.notes == tuple(f"{n} was deleted; the original was run" for n in others)
