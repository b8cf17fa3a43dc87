"""The command grade: what it takes, and what it says to people, programs and the log."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.submissions import placing
from tests.autograder.test_cli import complaint
from tests.autograder.tinycourse import NAME, ScriptedEngine, run


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
    assert "ps1_other: 1 submission," in out
    assert run("grade", "--assignments", NAME, course=two, solutions=solutions) == 2
    shutil.rmtree(two.submitted / "x")
    capsys.readouterr()
    assert run("grade", course=two, solutions=solutions) == 0
    assert "ps1_other: nobody has handed in; the results of 1 are kept" in capsys.readouterr().out


def test_each_run_says_what_memory_was_held_to(
    two: Course, solutions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = handed_in(two, NAME, tmp_path / "in")
    assert run("grade", "--json", "--from", source, course=two, solutions=solutions) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["limits"] == ScriptedEngine.memory_rule
    assert f"{ScriptedEngine.memory_rule}\n" in said.err
    log = (two.root / "logs" / "grade.log").read_text(encoding="utf-8")
    assert f"{ScriptedEngine.memory_rule}\n" in log
    assert run("grade", course=two, solutions=solutions) == 0  # nothing was run
    assert ScriptedEngine.memory_rule not in capsys.readouterr().out


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
    assert "ps1_other: 1 submission," in capsys.readouterr().out
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


def test_json_that_nobody_reads_to_its_end_is_no_fault(two: Course, solutions: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    where = ["--course", str(two.root), "--solutions", str(solutions)]
    command = [sys.executable, "-m", "autograder", "grade", "--json", *where]
    with os.fdopen(writing, "wb") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 141, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 1), (errno.ENAMETOOLONG, 0)])
def test_a_program_learns_of_work_that_the_machine_did_not_take_in(
    number: int,
    status: int,
    two: Course,
    solutions: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is full for a moment; a name that no disk takes is the student's own trouble."""
    source = handed_in(two, NAME, tmp_path / "in")
    (source / "ben").mkdir()
    shutil.copy(source / "ada" / f"{NAME}.ipynb", source / "ben")
    stage, full = placing.stage, ["ada"]

    def refuse(course: Course, files: dict[str, bytes]) -> Path:
        if full:
            full.pop()
            raise OSError(number, os.strerror(number))
        return stage(course, files)

    monkeypatch.setattr(placing, "stage", refuse)
    where = ("grade", "--json", "--from", source)
    capsys.readouterr()
    assert run(*where, course=two, solutions=solutions) == status
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["exit_status"] == status
    assert [each["student"] for each in document["from"]["students"]] == ["ben"]
    assert f"ada: {os.strerror(number)}" in captured.err
    assert ("1 not taken in because of this machine; run again" in captured.err) == bool(status)
    assert run(*where, course=two, solutions=solutions) == 0
    assert two.notebook("submitted", NAME, "ada").is_file()
