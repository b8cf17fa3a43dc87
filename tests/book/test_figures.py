"""Pictures without words for those who can't see them are refused."""

from __future__ import annotations

import pytest

from replearn_book.figures import problems_of_html

GOOD = "The error falls as the code grows"


def figure(label: str | None, role: str = 'role="img"') -> str:
    said = "" if label is None else f'aria-label="{label}"'
    return f'<figure class="replearn-figure"><svg {role} {said}><path d="M0 0"/></svg></figure>'


def test_a_figure_that_states_its_conclusion_is_fine():
    assert problems_of_html(figure(GOOD)) == []


@pytest.mark.parametrize("label", [None, "", "   ", "an error curve"])
def test_a_figure_without_words_is_refused(label):
    (problem,) = problems_of_html(figure(label))
    assert "alt text of a figure" in problem


def test_a_figure_is_an_image_to_a_screen_reader():
    (problem,) = problems_of_html(figure(GOOD, role=""))
    assert 'role="img"' in problem


@pytest.mark.parametrize(("tag", "count"), [("<img src=a>", 1), ('<img src=a alt="b">', 0)])
def test_an_image_has_alt_text(tag, count):
    assert len(problems_of_html(tag)) == count


def test_drawings_of_the_theme_are_left_alone():
    assert problems_of_html("<svg><path/></svg>") == []


def test_every_figure_of_the_book_is_described(html, pages):
    figures = 0
    for page in pages:
        text = (html / page).read_text(encoding="utf-8")
        assert problems_of_html(text) == [], page
        figures += text.count("replearn-figure")
    assert figures > 0
