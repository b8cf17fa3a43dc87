"""Every chapter runs on the bundled data, offline, and prints what its notebook says it prints.

On the data of this machine the chapters run when the book is built, and tests/book/test_outputs.py
compares what they print. Where those are the bundled data, that is this test already.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from replearn.data import face_frames, handwritten_digits, load_photographs, word_vectors
from replearn_book.cache import data_files

pytestmark = pytest.mark.long

CHAPTERS = sorted((Path(__file__).parents[3] / "lectures").glob("*.ipynb"))


@pytest.fixture(scope="module")
def only_bundled() -> bool:
    """Whether the book is made from the bundled data: nothing is cached, and nothing downloads."""
    face_frames()
    handwritten_digits()
    load_photographs()
    word_vectors()
    return not data_files()


def test_there_are_chapters():
    assert CHAPTERS


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_the_outputs_that_are_compared_are_there(tagging_problems, chapter):
    assert tagging_problems(chapter) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_on_the_bundled_digits(nbval, only_bundled, chapter, tmp_path):
    if only_bundled:
        pytest.skip("no other data can be had: the book's own run is on these and is compared")
    result = nbval(chapter, data=tmp_path)
    assert result.returncode == 0, result.stdout[-6000:]
