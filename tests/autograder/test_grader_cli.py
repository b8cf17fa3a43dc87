"""The command line: statuses, and one sentence for what a user can get wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tinycourse import FIXTURES, NAME, ScriptedEngine, run

from autograder.__main__ import main
from autograder.course import Course


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
    assert run("grade", course=course) == 2
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


def test_two_assignments_share_the_csv_and_the_index(
    course: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = solutions / "ps1_other"
    shutil.copytree(solutions / NAME, other)
    (other / f"{NAME}.md").rename(other / "ps1_other.md")
    monkeypatch.setattr("autograder.engine.KernelEngine", ScriptedEngine)
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
