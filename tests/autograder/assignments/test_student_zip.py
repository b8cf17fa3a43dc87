"""The library as students get it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from autograder.assignments import student_zip
from autograder.assignments.student_zip import pack_library
from autograder.course import Course


def test_the_archive_holds_the_packages_and_nothing_of_the_assignments(tmp_path: Path) -> None:
    path = pack_library(Course(tmp_path))
    assert path == tmp_path / "release" / "replearn.zip"
    names = zipfile.ZipFile(path).namelist()
    assert "replearn/pyproject.toml" in names
    assert "replearn/src/gradekit/checks.py" in names
    assert not any("autograder" in name for name in names)
    tops = {name.split("/")[1] for name in names}
    assert tops == {"pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", "src"}


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first = pack_library(Course(tmp_path / "a"))
    second = pack_library(Course(tmp_path / "b"))
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()


def test_without_a_checkout_there_is_nothing_to_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(student_zip, "find_spec", lambda _: None)
    assert pack_library(Course(tmp_path)) is None
    assert not (tmp_path / "release").exists()
