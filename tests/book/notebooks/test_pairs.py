"""Each chapter's source and notebook are in step, and the tool that keeps them so is exact."""

from __future__ import annotations

import shutil

import nbformat
import pytest

CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

```{code-cell} ipython3
:tags: [nbval-check-output]

print("one")
print("two");
```

```{code-cell} ipython3
import os, sys
print("noise", file=sys.stderr)
object()
```

```{code-cell} ipython3
:tags: [nbval-ignore-output]

import time
print(time.time())
```

```{code-cell} ipython3
from IPython.display import HTML
display(HTML("<b>rich</b>"))
print(os.environ["REPLEARN_OFFLINE"], os.listdir(os.environ["REPLEARN_DATA"]))
```

```{code-cell} ipython3
print("one")
print("two");
```
"""


@pytest.fixture(scope="module")
def pairs(tool):
    return tool("pairs")


@pytest.fixture(scope="module")
def made(pairs, tmp_path_factory):
    """A folder with one pair, and the notebook's text."""
    folder = tmp_path_factory.mktemp("lectures")
    (folder / "01_x.md").write_text(CHAPTER)
    pairs.sync(folder)
    return folder, (folder / "01_x.ipynb").read_text()


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "lectures")
    return tmp_path / "lectures"


def test_the_pairs_of_the_book_are_in_step(pairs, root):
    assert pairs.check(root / "lectures") == []


def test_a_fresh_pair_is_in_step(pairs, folder):
    assert pairs.check(folder) == []


def test_making_it_twice_gives_the_same_bytes(pairs, made):
    folder, text = made
    assert pairs.make_notebook(folder / "01_x.md") == text


def test_text_stays_and_what_changes_is_left_out(made):
    notebook = nbformat.reads(made[1], as_version=4)
    outputs = [
        "".join(out.get("text") or out.data["text/plain"] for out in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    # The empty data folder and the offline switch are seen by the kernel; time, stderr and
    # addresses in memory are gone, and so is the picture.
    rich = "<IPython.core.display.HTML object>1 []\n"
    assert outputs == ["one\ntwo\n", "", "", rich, "one\ntwo\n"]
    assert "text/html" not in made[1]


def test_cells_have_ids_that_follow_their_content(made, pairs):
    notebook = nbformat.reads(made[1], as_version=4)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    again = nbformat.reads(made[1], as_version=4)
    again.cells.insert(1, nbformat.v4.new_markdown_cell("New text"))
    pairs.stable_ids(again)
    assert [cell.id for cell in again.cells if cell.source != "New text"] == ids


def test_a_changed_source_is_noticed(pairs, folder):
    source = folder / "01_x.md"
    source.write_text(source.read_text().replace("A chapter", "The chapter"))
    assert pairs.check(folder) == ["01_x.ipynb does not give back 01_x.md"]


def test_a_missing_half_is_noticed(pairs, folder):
    (folder / "02_y.md").write_text(CHAPTER)
    (folder / "03_z.ipynb").write_text((folder / "01_x.ipynb").read_text())
    assert pairs.check(folder) == [
        "02_y.md has no notebook 02_y.ipynb",
        "03_z.ipynb has no source 03_z.md",
    ]


def test_outputs_of_a_cell_that_never_ran_are_noticed(pairs, folder):
    pair = folder / "01_x.ipynb"
    notebook = nbformat.read(pair, as_version=4)
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells[first].execution_count = None
    nbformat.write(notebook, pair)
    problem = f"cell {first + 1} of 01_x.ipynb has outputs and was never run"
    assert pairs.check(folder) == [problem]


def test_text_is_taken_over_and_outputs_stay(pairs, folder):
    source = folder / "01_x.md"
    source.write_text(source.read_text().replace("A chapter", "The chapter"))
    assert pairs.take_over_text(folder) == []
    assert pairs.check(folder) == []
    # as if it had been run
    assert (folder / "01_x.ipynb").read_text() == pairs.make_notebook(source)


def test_text_is_not_taken_over_beside_changed_code(pairs, made, folder):
    source = folder / "01_x.md"
    source.write_text(source.read_text().replace('print("two")', 'print("three")'))
    (folder / "02_y.md").write_text(CHAPTER)
    assert pairs.take_over_text(folder) == [
        "the code of 01_x.md has changed; run it with --sync",
        "02_y.md has no notebook yet; run it with --sync",
    ]
    assert (folder / "01_x.ipynb").read_text() == made[1]
