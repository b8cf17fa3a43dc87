"""The library and the grading kit as students get them."""

from __future__ import annotations

import builtins
import dataclasses
import os
import re
import shutil
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from autograder.assignments.source import Assignment, find_assignments, load_assignment
from autograder.assignments.student_zip import CHECKOUT, KIT, LIBRARY, StudentZip, pack, zip_for
from autograder.course import Course
from replearn import __version__

TINY = Path(__file__).parents[1] / "fixtures" / "ps0_tiny"
COURSE = find_assignments(CHECKOUT / "solutions")


def first_cell(assignment: Assignment) -> str:
    return next(cell.source for cell in assignment.cells if cell.kind == "code")


def importing(line: str) -> Assignment:
    """The tiny assignment with one more line in its first code cell."""
    tiny = load_assignment(TINY)
    index = next(i for i, cell in enumerate(tiny.cells) if cell.kind == "code")
    cells = list(tiny.cells)
    cells[index] = dataclasses.replace(cells[index], source=f"{line}\n{cells[index].source}")
    return dataclasses.replace(tiny, cells=tuple(cells))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    course = Course(tmp_path_factory.mktemp("course"))
    return {path.name: path for path in pack(course, [COURSE[0], load_assignment(TINY)])}


@pytest.mark.parametrize("wanted", [LIBRARY, KIT], ids=lambda wanted: wanted.name)
def test_an_archive_holds_its_packages_and_nothing_else(
    packed: dict[str, Path], wanted: StudentZip
) -> None:
    names = zipfile.ZipFile(packed[wanted.file]).namelist()
    inside = {name.removeprefix(f"{wanted.name}/") for name in names}
    sources = {
        path.relative_to(CHECKOUT).as_posix()
        for package in wanted.packages
        for path in (CHECKOUT / "src" / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"src/gradekit/checks.py", "src/gradekit/py.typed"} <= inside
    assert inside == sources | {"pyproject.toml", "LICENSE", "LICENSE-TEXT"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what is packed into the kit."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "src" / "gradekit", folder / "src" / "gradekit", ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(CHECKOUT / name, folder)
    return folder


def test_what_lies_beside_the_modules_is_not_packed(checkout: Path, tmp_path: Path) -> None:
    def names() -> list[str]:
        (path,) = pack(Course(tmp_path), [load_assignment(TINY)], checkout)
        return zipfile.ZipFile(path).namelist()

    before = names()
    package = checkout / "src" / "gradekit"
    for name in ("checks.py~", "notes.md", ".env", "checks-old.py", ".hidden.py", "1.py"):
        (package / name).touch()
    Path(os.fsdecode(os.fsencode(package) + b"/\xff.py")).touch()
    for folder in (".ipynb_checkpoints", "data", "old copies"):
        (package / folder).mkdir()
        (package / folder / "checks.py").touch()
    (package / "old copies" / "__init__.py").touch()
    (tmp_path / "secret.py").write_text("secret")
    (package / "secret.py").symlink_to(tmp_path / "secret.py")
    (package / "link").symlink_to(package / "protocol")
    assert names() == before


def test_no_half_of_an_archive_stays(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        pack(Course(tmp_path), [load_assignment(TINY)], checkout)
    assert list((tmp_path / "release").iterdir()) == []


def test_each_has_its_own_requirements(packed: dict[str, Path]) -> None:
    said = {}
    for name, path in packed.items():
        text = zipfile.ZipFile(path).read(f"{path.stem}/pyproject.toml").decode()
        project = tomllib.loads(text)["project"]
        assert (project["name"], project["version"]) == (path.stem, __version__)
        assert project["requires-python"] == ">=3.11"
        assert project["scripts"] == {"gradekit": "gradekit.__main__:main"}
        assert "optional-dependencies" not in project
        needs = [Requirement(need) for need in project["dependencies"]]
        assert all(clause.operator == ">=" for need in needs for clause in need.specifier)
        said[name] = {need.name for need in needs}
    assert said["gradekit.zip"] == {"numpy", "ipython", "traitlets"}
    assert said["gradekit.zip"] | {"torch", "scikit-learn"} < said["replearn.zip"]
    assert not said["replearn.zip"] & {"nbgrader", "jupyter-book", "bleach", "pytest"}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("import numpy as np", KIT),
        ("from gradekit import checks", KIT),
        ("import replearn.data", LIBRARY),
        ("from replearn.sparse import ista", LIBRARY),
        ("import torch", LIBRARY),
        ("from sklearn.datasets import load_digits", LIBRARY),  # the package is scikit-learn
        ("try:\n    import torch.nn as nn\nexcept ImportError:\n    raise", LIBRARY),
        ("text = 'import torch'", KIT),
    ],
)
def test_what_an_assignment_imports_decides(line: str, wanted: StudentZip) -> None:
    assert zip_for(importing(line)) is wanted


def test_only_the_needed_archives_are_written(tmp_path: Path) -> None:
    tiny = load_assignment(TINY)
    assert pack(Course(tmp_path), [tiny]) == {tmp_path / "release" / "gradekit.zip": ["ps0_tiny"]}
    assert [path.name for path in (tmp_path / "release").iterdir()] == ["gradekit.zip"]


@pytest.mark.parametrize("assignment", COURSE, ids=lambda assignment: assignment.name)
def test_the_first_cell_names_the_assignments_archive(assignment: Assignment) -> None:
    assert f"pip install {zip_for(assignment).file}" in first_cell(assignment)


@pytest.mark.parametrize(
    ("assignment", "missing"),
    [
        pytest.param(assignment, missing, id=f"{assignment.name}-{missing}")
        for assignment in COURSE
        for missing in ("replearn", "gradekit", "torch")
        if re.search(rf"(from|import) {missing}\b", first_cell(assignment))
    ],
)
def test_the_first_cell_says_how_to_install_what_is_missing(
    assignment: Assignment, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(missing, monkeypatch)
    with pytest.raises(ModuleNotFoundError) as caught:
        exec(first_cell(assignment), {})
    assert str(caught.value) == (
        f"{missing} is not installed here: run `pip install replearn.zip` "
        "(the file came with this notebook) and restart the kernel"
    )
    assert caught.value.__suppress_context__


def hide(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this import fail as it does where the package is not installed."""
    real = builtins.__import__

    def without(module: str, *rest: object) -> object:
        if module.split(".")[0] == name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(module, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    made = [pack(Course(tmp_path / name), COURSE[:1]) for name in ("a", "b")]
    first, second = ([path.read_bytes() for path in paths] for paths in made)
    assert first == second
    assert len(first) == 1


def test_without_a_checkout_there_is_nothing_to_pack(tmp_path: Path) -> None:
    assert pack(Course(tmp_path), COURSE, checkout=tmp_path) == {}
    assert not (tmp_path / "release").exists()
