"""What students install: a zip file or two beside the released notebooks, for pip.

``replearn.zip`` holds the library and the grading kit, ``gradekit.zip`` the kit alone, which needs
no PyTorch. Each has a pyproject.toml of its own, made from the repository's: a student's machine
should not install what the book and the grader need.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from autograder.assignments.source import Assignment
from autograder.course import Course
from replearn import __version__

CHECKOUT = Path(__file__).resolve().parents[2]
_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
{project}

[project.scripts]
{scripts}

[tool.setuptools.packages.find]
where = ["src"]
"""
_DATE = (2000, 1, 1, 0, 0, 0)  # the same files give the same archive


@dataclass(frozen=True)
class StudentZip:
    """One of the zip files: its packages, which all stand under ``src``."""

    name: str
    description: str
    packages: tuple[str, ...]

    @property
    def file(self) -> str:
        """The zip file's name."""
        return f"{self.name}.zip"


LIBRARY = StudentZip(
    "replearn",
    "Library of the book 'Learning Representations: from PCA to pretraining'",
    ("replearn", "gradekit"),
)
KIT = StudentZip(
    "gradekit", "The visible tests of an assignment, as grading runs them", ("gradekit",)
)


def pack(
    course: Course, assignments: Iterable[Assignment], checkout: Path = CHECKOUT
) -> dict[Path, list[str]]:
    """Write into ``release/`` the zip files that the assignments need; say which need each.

    They hold packages and nothing of the assignments. Nothing is written when ``checkout`` is none
    (the grader was installed from a wheel), so that there are no sources to pack.
    """
    if not (checkout / "pyproject.toml").is_file():
        return {}
    users: dict[StudentZip, list[str]] = {}
    for assignment in assignments:
        users.setdefault(zip_for(assignment, checkout), []).append(assignment.name)
    packed = {}
    for wanted, names in users.items():
        path = course.root / "release" / wanted.file
        write_zip(path, wanted, checkout)
        packed[path] = names
    return packed


def zip_for(assignment: Assignment, checkout: Path = CHECKOUT) -> StudentZip:
    """The library's zip where a cell imports replearn or what only that zip installs."""
    imported = {
        module
        for cell in assignment.cells
        if cell.kind == "code"
        for module in _imported(cell.source)
    }
    library, kit = ({_name(text) for text in _needs(wanted, checkout)} for wanted in (LIBRARY, KIT))
    owners = packages_distributions()
    installed_by = {_name(owner) for module in imported for owner in owners.get(module, ())}
    return LIBRARY if "replearn" in imported or installed_by & (library - kit) else KIT


def pyproject(wanted: StudentZip, checkout: Path = CHECKOUT) -> str:
    """The zip's own pyproject.toml."""
    project = _project(checkout)
    copied = ("requires-python", "license", "license-files", "classifiers")
    said = {
        "name": wanted.name,
        "version": __version__,
        "description": wanted.description,
        **{key: project[key] for key in copied},
        "dependencies": _needs(wanted, checkout),
    }
    # A JSON text or list of texts is TOML too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
    scripts = [f"{key} = {json.dumps(value)}" for key, value in project["scripts"].items()]
    return _PYPROJECT.format(project="\n".join(lines), scripts="\n".join(scripts))


def _needs(wanted: StudentZip, checkout: Path) -> list[str]:
    project = _project(checkout)
    kit: list[str] = project["optional-dependencies"]["gradekit"]
    return list(dict.fromkeys([*project["dependencies"], *kit])) if wanted is LIBRARY else kit


def _project(checkout: Path) -> dict[str, Any]:
    text = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project


def _name(requirement: str) -> str:
    """The distribution's name in a requirement, written in the one normal way."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def write_zip(path: Path, wanted: StudentZip, checkout: Path = CHECKOUT) -> None:
    """Write one of the zip files; the same sources give the same bytes."""
    contents = {"pyproject.toml": pyproject(wanted, checkout).encode()}
    for name in _project(checkout)["license-files"]:
        contents[name] = (checkout / name).read_bytes()
    for package in wanted.packages:
        for file in _modules(checkout / "src" / package):
            contents[file.relative_to(checkout).as_posix()] = file.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, content in sorted(contents.items()):
                entry = zipfile.ZipInfo(f"{wanted.name}/{inside}", _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def _modules(package: Path) -> Iterator[Path]:
    """What can be imported of a package, and its py.typed.

    Not what else lies there, as an editor's copies or notes, and no links: they may lead anywhere.
    """
    for path in package.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            if path.name.isidentifier() and (path / "__init__.py").is_file():
                yield from _modules(path)
        elif path.name == "py.typed" or (path.suffix == ".py" and path.stem.isidentifier()):
            yield path
