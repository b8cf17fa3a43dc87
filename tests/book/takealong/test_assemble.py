"""Page and executed cells become one notebook; its first cell finds the library or says how."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output

from replearn_book.takealong.assemble import INSTALL, notebook_of
from replearn_book.takealong.page import Cell, Heading, Text


def cell(source: str, *tags: str, outputs: tuple = ()):
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))


def printed(text: str, name: str = "stdout"):
    return new_output("stream", name=name, text=text)


PARTS = [Heading("# 7. Noise"), Text("One."), Cell(), Text("Two."), Heading("## More"), Cell(["h"])]
FIGURE = new_output("execute_result", {"text/html": "old", "text/plain": "t", "x/note": "n"})
EXECUTED = [
    cell("from myst_nb import glue", "remove-cell"),
    cell("a = 1", outputs=(printed("1\n"), printed("noise", "stderr"), printed("2\n"))),
    cell("glue('a', a)\nb = 2", "remove-cell", outputs=(printed("hidden"),)),
    cell("b", "hide-input", outputs=(FIGURE,)),
]


@pytest.fixture
def notebook():
    return notebook_of("A book", PARTS, EXECUTED)


def test_text_and_code_stand_in_the_order_of_the_page(notebook):
    assert "A book" in notebook.cells[0].source
    assert notebook.cells[0].source.startswith("# 7. Noise\n\n")
    assert [c.source for c in notebook.cells[1:]] == [
        INSTALL,
        "One.",
        "a = 1",
        "b = 2",
        "Two.",
        "## More",
        "b",
    ]


def test_what_the_page_hides_is_folded_and_what_it_leaves_out_shows_nothing(notebook):
    folded = [
        c.source for c in notebook.cells if c.metadata.get("jupyter", {}).get("source_hidden")
    ]
    assert folded == ["b = 2", "b"]
    assert notebook.cells[4].outputs == []


def test_outputs_are_those_of_the_page(notebook):
    (text,) = notebook.cells[3].outputs
    assert text.text == "1\n2\n"
    (figure,) = notebook.cells[-1].outputs
    assert figure.data == {"text/html": "h", "text/plain": "t"}


def test_making_it_twice_gives_the_same_bytes(notebook):
    assert nbformat.writes(notebook_of("A book", PARTS, EXECUTED)) == nbformat.writes(notebook)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([Cell(["h"])], "the page shows 1 cells, and 2 were executed"),
        ([Cell(), Cell()], "the page shows 0 outputs of 1 that are HTML"),
    ],
)
def test_a_page_that_shows_something_else_is_an_error(parts, message):
    with pytest.raises(ValueError, match=message):
        notebook_of("A book", parts, EXECUTED)


def first_cell(monkeypatch, tmp_path, spec: ModuleSpec | None) -> list[str]:
    """What the first cell has pip install where importlib finds this of the library."""
    installed: list[str] = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    monkeypatch.chdir(tmp_path)
    install = INSTALL.replace('%pip install --quiet "{library}"', "pip(library)")
    exec(install, {"pip": lambda path: installed.append(path.name)})
    return installed


def test_the_first_cell_installs_nothing_where_the_library_is(monkeypatch, tmp_path):
    (tmp_path / "replearn.zip").touch()
    spec = ModuleSpec("replearn", None, origin="replearn/__init__.py")
    assert first_cell(monkeypatch, tmp_path, spec) == []


@pytest.mark.parametrize("spec", [None, ModuleSpec("replearn", None, is_package=True)])
def test_the_first_cell_installs_the_zip_file_or_what_a_browser_made_of_it(
    monkeypatch, tmp_path, spec
):
    (tmp_path / "replearn").mkdir()
    assert first_cell(monkeypatch, tmp_path, spec) == ["replearn"]
    (tmp_path / "replearn.zip").touch()
    assert first_cell(monkeypatch, tmp_path, spec) == ["replearn.zip"]


def test_the_first_cell_says_where_the_library_is_to_be_had(monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError, match="take it from the download menu"):
        first_cell(monkeypatch, tmp_path, None)
