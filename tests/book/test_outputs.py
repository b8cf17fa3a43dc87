"""What the book's pages print on the data of this machine is what the notebooks say they print.

The chapters ran when the book was built; tests/book/notebooks runs them on the bundled data.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache

from replearn_book.cache import PageCaches

TAG = "nbval-check-output"
ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "lectures").glob("*.md"))


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed."""
    return "".join(
        output.text
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_page_prints_what_its_notebook_says(html, tool, chapter):
    cache = get_cache(PageCaches(ROOT, html.parent).folder(chapter))
    project = cache.add_nb_to_project(str(chapter), read_data=tool("build").READER)
    record = cache.match_cache_notebook(cache.get_project_notebook(project.pk).nb)
    ran = [c for c in cache.get_cache_bundle(record.pk).nb.cells if c.cell_type == "code"]
    notebook = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)
    stored = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.source.strip() for c in ran] == [c.source.strip() for c in stored]
    tagged = [i for i, c in enumerate(stored) if TAG in c.metadata.get("tags", [])]
    assert tagged
    assert [printed(ran[i]) for i in tagged] == [printed(stored[i]) for i in tagged]
