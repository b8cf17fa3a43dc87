"""The command line: statuses, and one sentence for what a user can get wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.__main__ import main
from autograder.course import Course
from autograder.results import write_atomically
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
        (["restore"], "there is no folder course"),
        (["remove", ""], "no student '' in course"),
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
    assert not Path("course").exists()


def test_an_unknown_option_leads_to_the_help_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["grade", "--form", "download.zip"])
    error = complaint(capsys)
    assert "unrecognized arguments: --form download.zip" in error
    assert error.rstrip().endswith("see python -m autograder grade --help")


def test_one_submission_is_one(
    course: Course,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    (tmp_path / "in" / "ann").mkdir(parents=True)
    released = course.notebook("release", NAME).read_text(encoding="utf-8")
    (tmp_path / "in" / "ann" / f"{NAME}.ipynb").write_text(released, encoding="utf-8")
    capsys.readouterr()
    assert run("grade", "--from", tmp_path / "in", course=course) == 0
    out = capsys.readouterr().out
    assert "took in 1 submission (1 new)" in out
    assert f"{NAME}: 1 submission, 0 unchanged" in out
    assert run("feedback", course=course) == 0
    assert run("export", course=course) == 0
    out = capsys.readouterr().out
    assert "1 feedback page:" in out
    assert "1 row:" in out


def test_grading_nothing_is_a_mistake(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("grade", "--assignments", NAME, course=course) == 2
    assert f"no submissions of {NAME}" in complaint(capsys)


def test_a_wrong_download_is_a_mistake(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half.zip").write_bytes(b"PK\x03\x04")
    assert run("grade", "--from", tmp_path / "half.zip", course=course) == 2
    assert "half.zip is neither a folder nor a whole zip file" in complaint(capsys)
    assert run("grade", "--from", tmp_path / "nowhere.zip", course=course) == 2
    assert f"there is no {tmp_path / 'nowhere.zip'}; wanted a folder or" in complaint(capsys)


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
@pytest.mark.parametrize("name", [b"\xff\xfe", 250 * b"n", b"<img src=x>", b'a"b'])
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


@pytest.mark.parametrize("name", ["who?", "a%20b"])
def test_a_course_whose_gradebook_would_lie_elsewhere_is_a_mistake(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database's address ends at a question mark: two such courses would share a gradebook."""
    assert run("release", course=Course(tmp_path / name / "2026")) == 2
    assert "2026: wanted a path without ? and %, which the gradebook's" in complaint(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a#b", "a & b", "a\nb"])
def test_a_course_with_a_strange_name_has_its_gradebook_in_it(name: str, tmp_path: Path) -> None:
    assert run("release", course=Course(tmp_path / name)) == 0
    assert (tmp_path / name / "gradebook.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_export_replaces_nothing_but_an_earlier_export(
    course: Course,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for command in ("demo", "grade"):
        assert run(command, course=course) == 0
    capsys.readouterr()
    handed_in = course.notebook("submitted", NAME, "student-01")
    (tmp_path / "mine.csv").write_text("student,mark\nann,3\n", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "astray").symlink_to("nowhere")
    for path in (course.db_path, handed_in, tmp_path / "mine.csv"):
        before = path.read_bytes()
        assert run("export", "--output", path, course=course) == 2
        assert f"--output {path} is there and is no earlier export" in complaint(capsys)
        assert path.read_bytes() == before
    for name in ("pipe", "link", "astray"):
        assert run("export", "--output", tmp_path / name, course=course) == 2
        assert "is there and is no earlier export" in complaint(capsys)
    assert (tmp_path / "pipe").is_fifo()
    for text in ("", '\ufeff"student_id";"assignment"\r\n', "student_id,assignment\n"):
        (tmp_path / "out.csv").write_text(text, encoding="utf-8")
        assert run("export", "--output", tmp_path / "out.csv", course=course) == 0
        assert "student-01" in (tmp_path / "out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [None, b"", b"x"])
def test_a_gradebook_without_the_marks_gives_nobody_a_zero(
    content: bytes | None,
    course: Course,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lost, emptied by a full disk, or begun anew: SQLite makes an empty one of each."""
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for command in ("demo", "grade", "export"):
        assert run(command, course=course) == 0
    before = course.grades.read_bytes()
    course.db_path.unlink()
    if content is None:
        assert run("release", course=course) == 0
    else:
        course.db_path.write_bytes(content)
    capsys.readouterr()
    for command in ("export", "feedback"):
        assert run(command, course=course) == 2
        said = "holds no marks of 20 students graded in"
        assert (said if content is None else "is damaged: it is empty") in complaint(capsys)
    assert course.grades.read_bytes() == before
    if content is not None:
        assert run("grade", course=course) == 2
        course.db_path.unlink()
    assert run("release", course=course) == 0
    for command in ("grade", "export"):
        assert run(command, course=course) == 0
    assert course.grades.read_bytes() == before


@pytest.mark.parametrize("command", ["export", "feedback", "preview", "grade"])
def test_a_gradebook_that_is_gone_is_named(
    command: str,
    course: Course,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither a class that was never graded nor a source that has changed."""
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for before in ("demo", "grade"):
        assert run(before, course=course) == 0
    course.db_path.unlink()
    capsys.readouterr()
    assert run(command, course=course) == 2
    assert f"there is no gradebook {course.db_path} any more; put" in complaint(capsys)
    assert not course.db_path.exists()


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
    assert "  1 earlier submission not graded in full; `export` writes its status" in second
    assert "20 submissions, 19 unchanged" in second


def test_a_lost_secret_is_not_replaced_where_there_are_results(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a second machine: the class would be graded again, on other inputs."""
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for command in ("demo", "grade"):
        assert run(command, course=course) == 0
    secret = course.root / "secret"
    secret.write_text("zz\n", encoding="ascii")
    capsys.readouterr()
    assert run("grade", course=course) == 2
    assert "or delete it and run `grade --new-secret`" in complaint(capsys)
    secret.unlink()
    assert run("grade", course=course) == 2
    assert "secret is missing although" in capsys.readouterr().err
    assert not secret.exists()
    assert run("grade", "--new-secret", course=course) == 0
    assert secret.is_file()


def test_a_file_in_place_of_a_folder_is_named(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    course.submitted.write_text("no folder", encoding="utf-8")
    assert run("grade", course=course) == 2
    assert f"{course.submitted} is a file, wanted the folder of submissions" in complaint(capsys)
    place = course.root / "backups"
    place.write_text("no folder", encoding="utf-8")
    assert run("restore", course=course) == 2
    assert f"{place} is a file, wanted the folder of backups" in complaint(capsys)


def test_a_folder_in_place_of_a_file_is_named_not_the_half_written_one(tmp_path: Path) -> None:
    (tmp_path / "grades.csv").mkdir()
    with pytest.raises(OSError, match=r"grades\.csv"):
        write_atomically(tmp_path / "grades.csv", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]


def test_a_command_makes_no_parser_that_no_notebook_needs() -> None:
    made = "import sys, autograder.__main__, nbformat; assert 'lark' not in sys.modules"
    subprocess.run([sys.executable, "-c", made], check=True)
    made = "import sys, nbformat; assert 'lark' in sys.modules"  # else the line can go
    subprocess.run([sys.executable, "-c", made], check=True)
