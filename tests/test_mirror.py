"""Tests lie where the sources lie, so that each is found from the other."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Folders of sources and of their tests.
MIRRORS = {"src": "tests", "autograder": "tests/autograder", "book": "tests/book"}
#: Folders of tests that mirror no package, and what they are for.
OTHERS = {
    "autograder/fixtures": "a tiny assignment",
    "benchmarks": "speed beside the peers'",
    "book/notebooks": "the chapters' notebooks",
    "claims": "one file a chapter of lectures/",
    "distributions": "wheel, source distribution and the students' zip files",
    "load": "the grader's long trials",
    "portable": "the same tests under other arithmetics",
    "security": "the attack corpus",
    "solutions": "the assignments",
}
#: Packages whose tests stand elsewhere, and where.
ELSEWHERE = {
    "book/_ext/replearn_book": "tests/book",
    "book/_ext/replearn_book/takealong": "tests/book/takealong",
    "book/tools": "tests/book",
    "autograder/execution/sandbox": "tests/autograder/execution",
}


def package_folders() -> list[Path]:
    """Every folder with modules, relative to the repository."""
    folders = {
        path.parent.relative_to(ROOT) for top in MIRRORS for path in (ROOT / top).rglob("*.py")
    }
    return sorted(folder for folder in folders if folder.parts)


def folder_of_tests(folder: Path) -> Path:
    """Where the tests of a folder of sources stand."""
    if folder.as_posix() in ELSEWHERE:
        return ROOT / ELSEWHERE[folder.as_posix()]
    top = folder.parts[0]
    return ROOT / MIRRORS[top] / Path(*folder.parts[1:])


def folders_with_tests() -> list[Path]:
    """Every folder of tests/ with Python files, relative to tests/, except below OTHERS."""
    tests = ROOT / "tests"
    found = {path.parent.relative_to(tests) for path in tests.rglob("*.py")} - {Path()}
    others = [Path(name) for name in OTHERS]
    return sorted(f for f in found if not any(f.is_relative_to(other) for other in others))


@pytest.mark.parametrize("folder", package_folders(), ids=str)
def test_every_package_has_its_tests_in_the_same_place(folder: Path):
    """A folder of that name with tests in it, or for a small package one file."""
    wanted = folder_of_tests(folder)
    one_file = wanted.with_name(f"test_{wanted.name}.py")
    assert any(wanted.glob("test_*.py")) or one_file.is_file(), f"no tests of {folder} in {wanted}"


@pytest.mark.parametrize("folder", folders_with_tests(), ids=str)
def test_every_folder_of_tests_mirrors_a_package(folder: Path):
    mirrored = {folder_of_tests(each).relative_to(ROOT / "tests") for each in package_folders()}
    assert folder in mirrored, f"tests/{folder} mirrors no package: list it in OTHERS, or move it"
