"""The command line: statuses, and one sentence for what a user can get wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from autograder.__main__ import main
from autograder.course import Course
from tests.autograder.tinycourse import FIXTURES, NAME, ScriptedEngine, run


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grade", "--assignments", "ps9"], f"unknown assignment 'ps9'; known: {NAME}"),
        (["release", "--solutions", "nowhere"], "there is no folder nowhere"),
        (["release", "--solutions", "."], "no assignment in ."),
        (["grade", "--workers", "none"], "wanted a whole number from 1 up, got 'none'"),
        (["grade", "--workers", "0"], "wanted a whole number from 1 up, got '0'"),
        (["grade"], f"{NAME} is not released in"),
        (["demo"], f"{NAME} is not released in"),
        (["export"], f"{NAME} has not been graded in"),
        (["feedback"], f"{NAME} has not been graded in"),
        (["marks"], "invalid choice: 'marks'"),
        (["grade", "--from", ""], "argument --from: wanted a path, got ''"),
        (["export", "--output", " "], "argument --output: wanted a path, got ' '"),
        (["export", "--output", "."], "--output . is a folder, wanted a file"),
        (["feedback", "--book-url", "javascript:alert(1)"], "wanted http://..., https://... or"),
        (["remove", "ann"], "no student ann in course"),
        (["remove", "../course"], "no student ../course in course"),
        (["remove", "ann", "--assignments", NAME], "remove takes a student out of the whole"),
    ],
)
def test_a_mistake_gets_one_sentence_and_status_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    command, *rest = arguments
    if "--solutions" not in rest:
        rest += ["--solutions", str(FIXTURES)]
    try:
        status = main([command, *rest, "--course", "course"])
    except SystemExit as stop:  # how argparse ends
        status = int(str(stop.code))
    assert status == 2
    assert message in complaint(capsys)


def test_grading_nothing_is_a_mistake(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("grade", "--assignments", NAME, course=course) == 2
    assert f"no submissions of {NAME}" in complaint(capsys)


def test_a_wrong_download_is_a_mistake(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("grade", "--from", tmp_path / "nowhere.zip", course=course) == 2
    assert "neither a folder nor a zip file" in complaint(capsys)


def test_a_source_changed_since_its_release_is_a_mistake(
    course: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = solutions / NAME / f"{NAME}.md"
    source.write_text(source.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    assert run("grade", course=course, solutions=solutions) == 0  # nobody has handed in
    capsys.readouterr()
    (course.submitted / "ann" / NAME).mkdir(parents=True)
    assert run("grade", course=course, solutions=solutions) == 2
    assert "has changed since it was released" in complaint(capsys)


def test_the_demo_class_never_mixes_with_a_real_one(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    (course.submitted / "ann" / NAME).mkdir(parents=True)
    assert run("demo", course=course) == 2
    assert "holds other students' work (ann)" in complaint(capsys)


def test_the_demo_class_is_the_same_every_time(course: Course) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in course.submitted.rglob("*.ipynb")}

    assert run("demo", course=course) == 0
    first = contents()
    assert run("demo", course=course) == 0
    assert contents() == first
    assert len(first) == 20
    assert len(set(first.values())) == 6  # reference, right, stub, half, two mutants


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", [b"\xff\xfe", 250 * b"n"])
def test_a_folder_with_an_impossible_name_stops_nobody(
    course: Course,
    name: bytes,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("demo", course=course) == 0
    (course.submitted / os.fsdecode(name) / NAME).mkdir(parents=True)
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    capsys.readouterr()
    assert run("grade", course=course) == 0
    out = capsys.readouterr().out
    assert "20 submissions" in out
    assert "its name can't be used; rename it" in out


def test_two_assignments_share_the_csv_and_the_index(
    course: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = solutions / "ps1_other"
    shutil.copytree(solutions / NAME, other)
    (other / f"{NAME}.md").rename(other / "ps1_other.md")
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for command in ("release", "demo", "grade", "feedback", "export"):
        assert run(command, course=course, solutions=solutions) == 0
    lines = course.grades.read_text(encoding="utf-8").splitlines()[1:]
    assert [tuple(line.split(",")[:2]) for line in lines[:4]] == [
        ("student-01", NAME),
        ("student-01", "ps1_other"),
        ("student-02", NAME),
        ("student-02", "ps1_other"),
    ]
    assert len(lines) == 40
    index = (course.feedback / "index.html").read_text(encoding="utf-8")
    assert index.count("<tr><td>") == 40
    page = course.feedback / "student-01" / NAME / f"{NAME}.html"
    assert "lectures/00_tiny.html" not in page.read_text(encoding="utf-8")  # no book beside it
    assert run("feedback", "--book-url", "https://b.example", course=course) == 0
    assert 'href="https://b.example/lectures/00_tiny.html#' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("course", ["", " "])
def test_an_empty_course_is_a_mistake(course: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["grade", "--course", course, "--solutions", str(FIXTURES)])
    assert f"argument --course: wanted a path, got {course!r}" in complaint(capsys)


def test_a_file_is_no_course(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run("grade", course=Course(tmp_path / "file")) == 2
    assert complaint(capsys).endswith("file is a file, wanted a folder")


def test_one_notebook_is_no_download(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ann.ipynb").touch()
    assert run("grade", "--from", tmp_path / "ann.ipynb", course=course) == 2
    assert "ann.ipynb is a single notebook; give the folder that holds it" in complaint(capsys)


@pytest.mark.parametrize(
    "address",
    [
        "data:text/html,x",
        " javascript:x",
        "java\tscript:x",
        "file:///b",
        "//b",
        "\\\\b",
        "ftp://b",
        "",
    ],
)
def test_a_book_address_that_a_page_must_not_link_to(
    address: str, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("feedback", f"--book-url={address}", course=course)
    assert "argument --book-url: wanted http://..., https://... or" in complaint(capsys)


@pytest.mark.parametrize("address", ["HTTPS://b.example/x", "http://b", "../../book", "book/"])
def test_a_book_address_that_a_page_may_link_to(
    address: str, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("feedback", "--book-url", address, course=course) == 2
    assert "has not been graded" in complaint(capsys)


def test_old_statuses_are_counted_not_repeated(
    course: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    assert run("demo", course=course) == 0
    for student in ("student-01", "student-02"):
        course.notebook("submitted", NAME, student).write_text("{", encoding="utf-8")
    assert run("grade", course=course) == 0
    first = capsys.readouterr().out
    assert "  student-01: unreadable" in first
    assert "  student-02: unreadable" in first
    assert "earlier" not in first
    course.notebook("submitted", NAME, "student-02").write_text("", encoding="utf-8")
    assert run("grade", course=course) == 0
    second = capsys.readouterr().out
    assert "student-01" not in second
    assert "  student-02: unreadable: the file is empty" in second
    assert "  1 earlier submission not graded in full; its status stands in the CSV" in second
    assert "20 submissions, 19 unchanged" in second


@pytest.fixture
def two(course: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A course with a second assignment, which only the first student handed in."""
    other = solutions / "ps1_other"
    shutil.copytree(solutions / NAME, other)
    (other / f"{NAME}.md").rename(other / "ps1_other.md")
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    assert run("release", course=course, solutions=solutions) == 0
    return course


def handed_in(two: Course, assignment: str, folder: Path, name: str = "") -> Path:
    """A download with one notebook."""
    path = folder / "ada" / (name or f"{assignment}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(two.notebook("release", assignment), path)
    return folder


def test_what_is_there_is_graded(
    two: Course, solutions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("grade", course=two, solutions=solutions) == 0
    assert "put submissions at" in capsys.readouterr().out
    shutil.copytree(handed_in(two, "ps1_other", tmp_path / "in"), two.submitted / "x")
    shutil.move(two.submitted / "x" / "ada", two.submitted / "x" / "ps1_other")
    assert run("grade", course=two, solutions=solutions) == 0
    out = capsys.readouterr().out
    assert f"{NAME}: nobody has handed in\n" in out
    assert "ps1_other: 1 submissions" in out
    assert run("grade", "--assignments", NAME, course=two, solutions=solutions) == 2
    shutil.rmtree(two.submitted / "x")
    capsys.readouterr()
    assert run("grade", course=two, solutions=solutions) == 0
    assert "ps1_other: nobody has handed in; the results of 1 are kept" in capsys.readouterr().out


@pytest.mark.parametrize("by", ["metadata", "name"])
def test_a_download_says_whose_it_is(
    by: str, two: Course, solutions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "homework.ipynb" if by == "metadata" else ""
    source = handed_in(two, "ps1_other", tmp_path / "in", name)
    if by == "name":
        path = source / "ada" / "ps1_other.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**notebook, "metadata": {}}), encoding="utf-8")
    assert run("grade", "--from", source, course=two, solutions=solutions) == 0
    assert "ps1_other: 1 submissions" in capsys.readouterr().out
    handed_in(two, NAME, source, "second.ipynb")
    assert run("grade", "--from", source, course=two, solutions=solutions) == 2
    assert "name it with --assignments (this download holds notebooks of" in complaint(capsys)


def test_json_is_one_document_and_the_log_has_every_run(
    two: Course, solutions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = handed_in(two, NAME, tmp_path / "in")
    (source / "ada" / "helper.py").write_text("x = 1", encoding="utf-8")
    (source / "ben").mkdir()
    (source / "eve\nforged.txt").write_text("x", encoding="utf-8")
    where = ("grade", "--json", "--from", source)
    capsys.readouterr()
    assert run(*where, course=two, solutions=solutions) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert "took in 2 submissions" in captured.err
    assert (document["format"], document["exit_status"], document["error"]) == (1, 0, "")
    assert document["from"]["counts"] == {"new": 2}
    files = {each["file"]: each["became"] for each in document["from"]["files"]}
    assert files == {
        f"ada/{NAME}.ipynb": "notebook",
        "ada/helper.py": "beside",
        "eve forged.txt": "skipped",
    }
    (graded,) = document["assignments"]
    assert graded["counts"] == {"complete": 1, "missing": 1}
    ada, ben = graded["students"]
    assert (ada["student"], ada["score"], ada["max_score"], ada["awaiting"]) == ("ada", 0, 9, False)
    assert ben["status"] == f"missing: found nothing, wanted {NAME}.ipynb"
    (source / "eve\nforged.txt").unlink()
    shutil.rmtree(source / "ada")
    assert run(*where, "--assignments", NAME, course=two, solutions=solutions) == 2
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["exit_status"] == 2
    assert captured.err == f"error: {document['error']}\n"
    log = (two.root / "logs" / "grade.log").read_text(encoding="utf-8")
    assert f"file ada/{NAME}.ipynb (ada): notebook" in log
    assert "file eve forged.txt: skipped: not a notebook" in log
    assert f"student ben: 0 of 9: missing: found nothing, wanted {NAME}.ipynb" in log
    assert [line for line in log.splitlines() if line.startswith("ended with status")][-1][:19] == (
        "ended with status 2"
    )
    assert f"error: {document['error']}" in log


def test_json_says_where_nothing_was_handed_in(
    two: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("grade", "--json", course=two, solutions=solutions) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["without_submissions"] == [NAME, "ps1_other"]
    assert document["assignments"] == []
