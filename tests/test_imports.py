"""Which package may import which: the mathematics knows no grading, the grading kit no grader."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Each package's folder, and the packages of this repository that it may import beside itself.
ALLOWED = {
    "replearn": ("src/replearn", set()),
    "gradekit": ("src/gradekit", set()),
    "autograder": ("autograder", {"gradekit", "replearn"}),
    "book.experiments": ("book/experiments", {"replearn"}),
    "book.tools": ("book/tools", {"replearn", "replearn_book", "autograder"}),
    "replearn_book": ("book/_ext/replearn_book", {"replearn", "gradekit", "autograder", "book"}),
}
OURS = {"replearn", "gradekit", "autograder", "book", "replearn_book", "tests"}


def imported(text: str) -> set[str]:
    """Top-level packages of all absolute imports, those inside functions and classes too."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and _is_import_call(node):
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value.partition(".")[0])
    return found


def _is_import_call(node: ast.Call) -> bool:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__")


def test_imports_are_found_wherever_they_stand():
    text = (
        "def f():\n    from autograder.errors import CourseError\n    import_module('gradekit.x')\n"
    )
    assert imported(text + "import replearn.data as d\nfrom . import y\n") == {
        "autograder",
        "gradekit",
        "replearn",
    }


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str):
    folder, allowed = ALLOWED[package]
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"{folder} has no modules"
    forbidden = OURS - allowed - {package.partition(".")[0]}
    wrong = {
        str(path.relative_to(ROOT)): sorted(found)
        for path in files
        if (found := imported(path.read_text(encoding="utf-8")) & forbidden)
    }
    assert wrong == {}
