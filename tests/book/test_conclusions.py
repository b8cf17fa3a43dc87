"""A sentence that draws a conclusion stands on a comparison, or the book does not build."""

from __future__ import annotations

import re

import yaml

CELL = """
```{{code-cell}} ipython3
:tags: [remove-cell]

from replearn.conclusions import conclude

{calls}
```
"""


def chapter(text: str, *calls: str) -> str:
    return CELL.format(calls="\n".join(calls)) + "\n" + text + "\n"


def test_a_conclusion_that_holds_is_listed_with_its_sentence(tiny_book, build):
    text = "First comes this.\nTwo is less than $3$.{conclusion}`two-below-three`\nThen that."
    book = tiny_book(chapter(text, 'conclude("two-below-three", 2.0, "<", 3.0)'))
    (book / "book" / "conclusions.md").write_text("# Conclusions\n\n```{conclusions}\n```\n")
    toc = yaml.safe_load((book / "_toc.yml").read_text())
    toc["parts"][-1]["chapters"].append({"file": "book/conclusions"})
    (book / "_toc.yml").write_text(yaml.safe_dump(toc))
    result = build(book)
    assert result.returncode == 0, result.stdout
    assert "conclusions asserted: 1 (01_tiny 1)" in result.stdout
    page = (book / "_build" / "html" / "book" / "conclusions.html").read_text()
    row = re.search(r"<tbody>.*</tbody>", page, re.DOTALL)[0]
    text = re.sub(r"<[^>]*>", "", row)
    assert text.strip().startswith(r"Two is less than \(3\)."), text
    assert "First" not in text
    assert "two-below-three: 2 &lt; 3" in text
    assert 'href="../lectures/01_tiny.html#conclusion-two-below-three"' in row
    html = (book / "_build" / "html" / "lectures" / "01_tiny.html").read_text()
    assert 'id="conclusion-two-below-three"' in html
    assert "papermill" not in html


def test_a_conclusion_that_does_not_hold_fails_the_build(tiny_book, build):
    book = tiny_book(chapter("No.{conclusion}`a`", 'conclude("a", 3.0, "<", 2.0)'))
    result = build(book)
    assert result.returncode
    assert "a: 3 < 2 does not hold" in result.stdout
    assert "no cell of this page" not in result.stdout


def test_a_sentence_without_a_comparison_fails_the_build(tiny_book, build):
    book = tiny_book(chapter("Yes.{conclusion}`a` No.{conclusion}`b`", 'conclude("a", 1, "<", 2)'))
    result = build(book)
    assert result.returncode
    assert re.search(r"01_tiny\.md:\d+: WARNING: no cell .* asserts .*'b'", result.stdout)
    assert "'a'" not in result.stdout


def test_a_comparison_without_a_sentence_fails_the_build(tiny_book, build):
    book = tiny_book(chapter("Yes.", 'conclude("a", 1, "<", 2)'))
    result = build(book)
    assert result.returncode
    assert "no sentence or figure of this page names the conclusion 'a'" in result.stdout


def test_a_figure_names_what_its_alternative_text_rests_on(tiny_book, build):
    figure = """
```{code-cell} ipython3
from replearn import plotting

fig, ax = plotting.new_figure()
plotting.show(fig, alt="One curve is below the other", conclusions=["a", "missing"])
```
"""
    book = tiny_book(chapter(figure, 'conclude("a", 1, "<", 2)'))
    result = build(book)
    assert result.returncode
    assert "asserts the conclusion 'missing'" in result.stdout
    assert "'a'" not in result.stdout


def test_every_chapter_draws_conclusions(html):
    page = (html / "book" / "conclusions.html").read_text(encoding="utf-8")
    for chapter in ("03", "04", "05", "06", "07", "08", "09"):
        assert re.search(rf'id="conclusions-of-{chapter}', page), chapter
    # What alternative texts hold for HTML is text again.
    assert re.findall(r"&amp;(?:#x27|quot|lt|gt|amp);", page) == []
