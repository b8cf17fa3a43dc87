"""The map of the project names what there is, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(
    set(re.findall(r"`((?:replearn|gradekit|autograder|book|tests|src)[./][\w./]*)`", PAGE))
)


def place(name: str) -> Path:
    """Where a path, or a module by its dotted name, lies."""
    if "/" in name:
        return ROOT / name
    path = Path(*name.split("."))
    return ROOT / "src" / path if path.parts[0] in ("replearn", "gradekit") else ROOT / path


@pytest.mark.parametrize("name", NAMED)
def test_what_the_map_names_exists(name):
    found = place(name)
    assert found.exists() or found.with_suffix(".py").is_file(), f"there is no {name}"


def packages() -> list[str]:
    """Dotted names of all packages of the library, the grading kit and the grader."""
    found = []
    for top, base in (("src/replearn", "src"), ("src/gradekit", "src"), ("autograder", ".")):
        for init in (ROOT / top).rglob("__init__.py"):
            found.append(".".join(init.parent.relative_to(ROOT / base).parts))
    return sorted(found)


@pytest.mark.parametrize("package", packages())
def test_every_package_is_on_the_map(package):
    assert re.search(rf"`(?:src/)?{re.escape(package)}/?`", PAGE), f"the map lacks {package}"


def test_every_module_of_the_library_and_the_kit_is_on_the_map():
    modules = {
        f"{package}.{path.stem}"
        for package in ("replearn", "gradekit")
        for path in (ROOT / "src" / package).glob("[!_]*.py")
    }
    assert sorted(name for name in modules if f"`{name}`" not in PAGE) == []


def test_every_folder_of_tests_is_on_the_map():
    folders = {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/*.py")}
    folders |= {f"tests/{path.parent.parent.name}" for path in (ROOT / "tests").glob("*/*/*.py")}
    assert sorted(name for name in folders if f"`{name}`" not in PAGE) == []


TABLE = [
    line
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
]
PATHS = sorted({path for line in TABLE for path in re.findall(r"`([\w/.]+/[\w/.]+)`", line)})


@pytest.mark.parametrize("path", PATHS)
def test_what_the_table_for_contributors_names_exists(path):
    pattern = re.sub(r"(ps|N)N_topic", "*", path)
    assert list(ROOT.glob(pattern)) or list(ROOT.glob(f"{pattern}.py")), f"there is no {path}"
