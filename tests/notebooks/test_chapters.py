"""Every chapter runs on the bundled data, offline, and prints what its notebook says it prints.

On the data of this machine the chapters run when the book is built: tests/book/test_outputs.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.long

CHAPTERS = sorted((Path(__file__).parents[2] / "lectures").glob("*.ipynb"))


def test_there_are_chapters():
    assert CHAPTERS


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_the_outputs_that_are_compared_are_there(tagging_problems, chapter):
    assert tagging_problems(chapter) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_on_the_bundled_digits(nbval, chapter, tmp_path):
    result = nbval(chapter, data=tmp_path)
    assert result.returncode == 0, result.stdout[-6000:]
