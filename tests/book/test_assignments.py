"""What a student must not see is nowhere in the book, and what grading points to is there."""

from __future__ import annotations

import html as html_module
import re
import tomllib
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("solutions/*/*.md"))
# Kinds of files that hold text a reader could find an answer in.
TEXTS = {".html", ".md", ".ipynb", ".js", ".json", ".txt", ".py"}
LONG_ENOUGH = 25  # characters without spaces; a shorter line, `return x`, gives nothing away


def squeeze(text: str) -> str:
    """Text without any white space, so that neither indentation nor line breaks matter."""
    return re.sub(r"\s+", "", text)


def visible_text(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".html":
        text = html_module.unescape(re.sub(r"<[^>]*>", "", text))
    elif path.suffix in (".ipynb", ".js", ".json"):
        text = text.replace("\\n", "\n").replace('\\"', '"')
    return squeeze(text)


def secrets(source: Path) -> list[str]:
    """Lines of solutions, of hidden tests and of written reference answers."""
    found = []
    for cell in jupytext.read(source).cells:
        meta = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and meta.get("solution"):
            found += cell.source.splitlines()
        hidden = False
        for line in cell.source.splitlines():
            if "### BEGIN" in line or "### END" in line:
                hidden = "### BEGIN" in line
            elif hidden:
                found.append(line)
    # A line that students are given anyway, in a cell of any assignment, a chapter or the library,
    # is none.
    given = "".join(
        squeeze(path.read_text(encoding="utf-8"))
        for path in [*ROOT.glob("lectures/*.md"), *ROOT.glob("src/replearn/**/*.py")]
    )
    shown = given + "".join(squeeze(student_text(each)) for each in SOURCES)
    return [
        line for line in found if len(squeeze(line)) >= LONG_ENOUGH and squeeze(line) not in shown
    ]


def student_text(source: Path) -> str:
    from replearn_book.assignment import student_version

    return "\n".join(cell.source for cell in student_version(source).cells)


def test_there_are_assignments():
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_solution_and_no_hidden_test_is_in_the_book(html, source):
    lines = secrets(source)
    assert len(lines) > 10  # otherwise there is nothing to look for, and this test says nothing
    leaks = []
    for path in html.rglob("*"):
        if path.suffix in TEXTS and "mathjax" not in path.parts:
            text = visible_text(path)
            leaks += [
                f"{path.relative_to(html)}: {line}" for line in lines if squeeze(line) in text
            ]
    assert leaks == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_question_is_on_the_page(html, source):
    text = visible_text(html / "book" / "assignments" / f"{source.stem}.html")
    stubs = re.findall(r"^def \w+\(.*$", student_text(source), flags=re.MULTILINE)
    assert stubs
    assert [stub for stub in stubs if squeeze(stub) not in text] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_sections_that_feedback_points_to_exist(html, source):
    facts = tomllib.loads((source.parent / "assignment.toml").read_text(encoding="utf-8"))
    missing = []
    for question in facts["questions"].values():
        page, _, anchor = question["section"].partition("#")
        path = html / page
        if not path.is_file() or f'id="{anchor}"' not in path.read_text(encoding="utf-8"):
            missing.append(question["section"])
    assert missing == []
