"""The page of an assignment, made from its one source under solutions/.

The page shows what the student's notebook shows: questions, stubs and visible tests. Solutions and
hidden tests are taken out by nbgrader's own preprocessors, as in the release.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import jupytext
from docutils import nodes
from docutils.statemachine import StringList
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from sphinx.util.docutils import SphinxDirective

from gradekit.notebook import nbgrader_metadata, role_of
from replearn_book.search import UNSEARCHED

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from sphinx.application import Sphinx


def student_version(source: Path) -> NotebookNode:
    """The notebook of `source` without solutions, hidden tests and written reference answers."""
    notebook: NotebookNode = jupytext.read(source)
    resources: dict[str, object] = {}
    for preprocessor in (ClearSolutions(), ClearHiddenTests()):
        notebook, resources = preprocessor.preprocess(notebook, resources)
    return notebook


def _points(cell: NotebookNode) -> str:
    points = nbgrader_metadata(cell).get("points", 0)
    return f"{points} point" if points == 1 else f"{points} points"


def _fence(source: str) -> str:
    """A code fence that is longer than any run of backticks in `source`."""
    return "`" * max([5, *(len(run) + 1 for run in re.findall(r"`+", source))])


def as_markdown(notebook: NotebookNode) -> str:
    """Text of the assignment's page: one Markdown document, headings as in the notebook."""
    parts = []
    for cell in notebook.cells:
        source = cell.source.strip("\n")
        role, written = role_of(cell), cell.cell_type == "markdown"
        if not source.strip():
            continue  # a hidden test, cleared
        if written and role == "given":
            parts.append(source)
        elif written:
            parts.append(
                "*You write this answer in the notebook; "
                f"a person reads it and gives up to {_points(cell)}.*"
            )
        else:
            fence = _fence(source)
            code = f"{fence}python\n{source}\n{fence}"
            if role == "test":
                outer = ":" * 7
                title = f"Visible test, {_points(cell)}\n:class-container: {UNSEARCHED}\n"
                code = f"{outer}{{dropdown}} {title}\n{code}\n{outer}"
            parts.append(code)
    return "\n\n".join(parts) + "\n"


class AssignmentDirective(SphinxDirective):
    """The questions of one assignment and the link to its notebook."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        root = Path(self.env.srcdir)
        folder = root / "solutions" / name
        source = folder / f"{name}.md"
        if not source.is_file():
            raise self.error(f"assignment {name} has no source {source.relative_to(root)}")
        self.env.note_dependency(str(source))
        text = as_markdown(student_version(source))
        heading, _, rest = text.partition("\n")
        if not heading.startswith("# "):
            raise self.error(f"{source.relative_to(root)} must begin with a heading `# Title`")
        intro = [*self._how_to_get(root, name), *self._facts(folder)]
        lines = [heading, "", " ".join(intro), "", *rest.splitlines()]
        container = nodes.Element()
        container.document = self.state.document
        self.state.nested_parse(StringList(lines), 0, container, match_titles=True)
        return list(container.children)

    def _facts(self, folder: Path) -> list[str]:
        path = folder / "assignment.toml"
        if not path.is_file():
            return []
        self.env.note_dependency(str(path))
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        if "chapter" not in facts:
            return []
        return [f"It belongs to the chapter {{doc}}`/{facts['chapter']}`."]

    def _how_to_get(self, root: Path, name: str) -> list[str]:
        notebook = Path("_build", "course", "release", name, f"{name}.ipynb")
        self.env.note_dependency(str(root / notebook))
        if (root / notebook).is_file():
            link = f"{{download}}`{name}.ipynb </{notebook.as_posix()}>`"
            return [f"Download the notebook {link} and work in it; this page is for reading."]
        return ["This page is for reading; `make release` makes the notebook to work in."]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("assignment", AssignmentDirective)
