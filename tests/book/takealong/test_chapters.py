"""The notebooks that the book's pages offer say and show what the pages say and show.

One of them runs with the modules that a reader has; :mod:`tests.distributions.fresh_install` runs
them after its own first cell has installed the library.
"""

from __future__ import annotations

import ast
import base64
import os
import re
import sys
import tomllib
import zipfile
from html import unescape
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder.assignments.student_zip import LIBRARY, pyproject

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[3]
CHAPTERS = sorted(path.stem for path in (ROOT / "lectures").glob("*.md"))
SHORT = "08_contractive"
# Finds what the others find, but for what is missing. Asked first when Python starts.
READER = """\
import sys

class Reader:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name in {missing!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Reader, sys.meta_path)
"""
WHERE = """\
import importlib.util, replearn
print(replearn.__file__, importlib.util.find_spec("myst_nb"))"""
DRAWING = re.compile(r'<img alt="([^"]*)"[^>]*src="data:image/svg\+xml;base64,([^"]+)"')


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def page(html, chapter) -> str:
    """The page's article as text."""
    text = (html / "lectures" / f"{chapter}.html").read_text(encoding="utf-8")
    return re.search(r'<article class="bd-article">(.*)</article>', text, re.DOTALL)[1]


@pytest.fixture(scope="module")
def notebook(html, chapter) -> nbformat.NotebookNode:
    return offered(html, chapter)


def offered(html: Path, chapter: str) -> nbformat.NotebookNode:
    path = html / "_sources" / "lectures" / f"{chapter}.ipynb"
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def prose(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def in_html(notebook: nbformat.NotebookNode) -> list[str]:
    """All outputs that are HTML."""
    return [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]


def everything(notebook: nbformat.NotebookNode) -> str:
    """Text and outputs in the order of the notebook."""
    parts = []
    for cell in notebook.cells:
        parts.append(cell.source)
        for output in cell.get("outputs", []):
            parts.append(output.get("text", "") or output.get("data", {}).get("text/html", ""))
    return "\n".join(parts)


def assert_in_order(wanted: list[str], text: str) -> None:
    """Each of `wanted` stands in the text, after the one before it."""
    place = 0
    for each in wanted:
        found = text.find(each, place)
        assert found >= 0, f"{each!r} does not come after {text[max(0, place - 80) : place]!r}"
        place = found + len(each)


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def test_the_notebook_is_valid_and_its_page_links_it_and_the_library(html, chapter, notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    page = (html / "lectures" / f"{chapter}.html").read_text(encoding="utf-8")
    assert f'href="../_sources/lectures/{chapter}.ipynb"' in page
    assert f'href="../_downloads/{LIBRARY.file}"' in page
    assert zipfile.is_zipfile(html / "_downloads" / LIBRARY.file)


def test_the_text_is_markdown_and_nothing_of_the_source_is_left(notebook):
    text = re.sub(r"`[^`]*`", "", prose(notebook))
    assert not re.findall(
        r"\{[a-z:-]+\}`|^:::|^```\{|<figure: |\{glue:|(?<!\\)\\[(\[]", text, re.MULTILINE
    )
    assert not re.findall(r"\{[a-z]+:?[a-z]+\}`", prose(notebook))


def test_each_figure_of_the_page_is_a_picture_with_its_text(page, notebook):
    tags = re.findall(r'<(?:svg|div)\b[^>]*\brole="img"[^>]*>', page)
    wanted = [re.search(r'\baria-label="([^"]*)"', tag)[1] for tag in tags]
    found = DRAWING.findall(everything(notebook))
    assert [unescape(alt) for alt, _ in found] == [unescape(alt) for alt in wanted]
    assert wanted
    for _, code in found:
        assert re.search(b'<rect [^>]*fill="(?:#fff|white)"', base64.b64decode(code))
    assert not any("<svg" in text for text in in_html(notebook))


def test_statements_exercises_and_figures_have_the_numbers_of_the_page(page, notebook):
    numbers = re.findall(r'<span class="caption-number">(.*?)</span>', page, re.DOTALL)
    assert numbers
    assert_in_order([plain(number).rstrip(".") for number in numbers], everything(notebook))


def test_equations_have_the_numbers_of_the_page(page, notebook):
    wanted = re.findall(r'<span class="eqno">\(([^)]*)\)', page)
    assert re.findall(r"\\tag\{([^}]*)\}", prose(notebook)) == wanted


def test_the_words_are_those_of_the_page(page, notebook):
    """Computed numbers, references and citations included, each in its place."""
    soup = BeautifulSoup(re.sub(r"<svg\b.*?</svg>", "", page, flags=re.DOTALL), "html.parser")
    for element in soup.select("div.cell, .math, a.headerlink"):
        element.decompose()
    marks = r"[*\\`]"
    wanted = [re.sub(marks, "", " ".join(text.split())) for text in soup.strings]
    text = re.sub(rf"</?(?:em|strong)>|{marks}", "", prose(notebook))
    assert len(wanted) > 500
    assert_in_order(wanted, " ".join(unescape(text).split()))


def code_of(notebook: nbformat.NotebookNode) -> list[ast.Module]:
    return [
        ast.parse(re.sub(r"^(\s*)%", r"\1pass  # ", cell.source, flags=re.MULTILINE))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def closure(names: list[str]) -> set[str]:
    """Distributions and all that they need, as far as they are installed here."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        if name in found or (need.marker and not need.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        try:
            waiting += map(Requirement, requires(name) or [])
        except PackageNotFoundError:
            found.discard(name)
    return found


def needs() -> list[str]:
    """What the students' zip asks for."""
    return tomllib.loads(pyproject(LIBRARY))["project"]["dependencies"]


def missing(installed: set[str]) -> list[str]:
    """Modules of this environment that somebody has not who has only installed these."""
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if not installed & {canonicalize_name(owner) for owner in owners}
        and module not in {*LIBRARY.packages, *sys.stdlib_module_names}
    )


def test_the_code_imports_what_a_reader_has(notebook):
    has = {canonicalize_name(Requirement(text).name) for text in needs()}
    owners = packages_distributions()
    imported = {
        name.split(".")[0]
        for tree in code_of(notebook)
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    unknown = {
        module
        for module in imported - set(sys.stdlib_module_names) - set(LIBRARY.packages)
        if not has & {canonicalize_name(owner) for owner in owners.get(module, [])}
    }
    assert "replearn" in imported
    assert unknown == set()


def test_a_reader_who_has_only_the_library_can_run_a_chapter(html, tmp_path, monkeypatch):
    with zipfile.ZipFile(html / "_downloads" / LIBRARY.file) as archive:
        archive.extractall(tmp_path)
    has = closure([*needs(), "ipykernel"])
    assert {"myst_nb", "sphinx", "autograder"} <= set(missing(has))
    assert not {"torch", "matplotlib", "numba", "ipykernel"} & set(missing(has))
    (tmp_path / "sitecustomize.py").write_text(READER.format(missing=missing(has)))
    data = tmp_path / "data"
    data.mkdir()
    for name, text in {
        "PYTHONPATH": os.pathsep.join(map(str, (tmp_path, tmp_path / LIBRARY.name / "src"))),
        "REPLEARN_DATA": str(data),
        "REPLEARN_OFFLINE": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
    }.items():
        monkeypatch.setenv(name, text)
    notebook = offered(html, SHORT)
    stored = len(in_html(notebook))
    notebook.cells.append(nbformat.v4.new_code_cell(WHERE))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    where = notebook.cells.pop().outputs[0].text
    assert where == f"{tmp_path / LIBRARY.name / 'src' / 'replearn' / '__init__.py'} None\n"
    assert len(in_html(notebook)) == stored > 5
