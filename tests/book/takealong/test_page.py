"""The HTML of a page becomes Markdown that says the same."""

from __future__ import annotations

import base64
import re

import pytest

from replearn.plotting import new_figure, show
from replearn_book.takealong.page import Cell, Heading, Text, parts_of

STATEMENT = """
<div class="proof theorem admonition" id="t">
<p class="admonition-title"><span class="caption-number">Theorem 7.1 </span> (Counting)</p>
<section class="theorem-content"><p>One and one is
<span class="math notranslate">\\(2\\)</span>:</p>
<div class="math notranslate"><span class="eqno">(7.2)<a class="headerlink">#</a></span>\\[
1 + 1
= 2 % checked
\\]</div></section>
<p class="tested-by">Tested by <a href="../claims.html#a"><span>test_counting</span></a></p>
</div><div class="proof admonition"><p><em>Proof.</em> Count.</p></div>
"""
STATED = """\
> **Theorem 7.1 (Counting).**
>
> One and one is $2$:
>
> $$1 + 1 = 2 \\tag{7.2}$$
>
> Tested by `test_counting`
>
> *Proof.* Count."""


def text_of(body: str) -> str:
    """The only part of a page."""
    (part,) = parts_of(body, {})
    assert isinstance(part, Text)
    return part.text


def test_a_statement_comes_with_its_number_and_its_proof():
    assert text_of(STATEMENT) == STATED


def test_what_follows_a_proof_stands_outside():
    parts = parts_of(f"{STATEMENT}<p>And so on.</p>", {})
    assert parts == [Text(STATED), Text("And so on.")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<p>See <a href="#x"><span>Figure 7.2</span></a>.</p>', "See Figure 7.2."),
        ('<p>See <a href="https://a.org/b">there</a>.</p>', "See [there](https://a.org/b)."),
        ("<p>One line.\nAnother.</p>", "One line. Another."),
        ("<p>a<strong>(b)</strong>c <em>d</em></p>", "a<strong>(b)</strong>c *d*"),
        ("<p><strong>Time.</strong> An hour</p>", "**Time.** An hour"),
        ("<p>2 * 3 * 4 costs $5, x_1 &lt; y</p>", r"2 \* 3 \* 4 costs \$5, x_1 &lt; y"),
        ("<p>1986. A year</p>", "198&#54;. A year"),
        ("<p># no heading</p>", r"\# no heading"),
        ('<p>Call <code><span class="pre">f`x</span></code></p>', "Call ``f`x``"),
        ("<p>[Rifai <em>et al.</em>, 2011]</p>", "[Rifai *et al.*, 2011]"),
        ("<ul><li><p>a</p></li><li><p>b</p><p>c</p></li></ul>", "- a\n\n- b\n\n  c"),
        ('<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b"),
        ("<dl><dt>word</dt><dd><p>sense</p></dd></dl>", "- **word**\n\n  sense"),
        (
            '<div class="highlight-python notranslate"><div><pre>x = 1\n</pre></div></div>',
            "```python\nx = 1\n```",
        ),
        (
            "<table><tr><th>a|b</th></tr><tr><td><p>"
            '<span class="math">\\(|x|\\)</span></p></td></tr></table>',
            "| a\\|b |\n| --- |\n| $\\vert x\\vert $ |",
        ),
        (
            '<div class="note admonition"><p class="admonition-title">Needed</p><p>Ink</p></div>',
            "> **Needed.**\n>\n> Ink",
        ),
        (
            '<div class="solution dropdown admonition"><p class="admonition-title">Solution to '
            '<a href="#e">Exercise 7.1 (<span class="math">\\(a&lt;b\\)</span>)</a></p>'
            "<section><p>Yes.</p></section></div>",
            "<details>\n<summary>Solution to Exercise 7.1 ($a\\lt b$)</summary>\n\nYes.\n\n"
            "</details>",
        ),
        (
            "<details><summary>Why?</summary><p>So.</p></details>",
            "<details>\n<summary>Why?</summary>\n\nSo.\n\n</details>",
        ),
    ],
)
def test_what_the_page_says_the_notebook_says(body, text):
    assert text_of(body) == text


def test_a_formula_of_its_own_stands_on_lines_of_its_own():
    body = '<div class="math">\\[\\begin{split}a &amp;= b\\\\\nc\\end{split}\\]</div>'
    assert text_of(body) == "$$\n\\begin{split}a &= b\\\\\nc\\end{split}\n$$"


def test_headings_and_cells_divide_the_page():
    body = """<section><h1>Title<a class="headerlink" href="#t">#</a></h1><p>Text</p>
    <div class="cell docutils container"><div class="cell_input docutils container"></div>
    <div class="cell_output docutils container"><div class="output stream">1</div>
    <div class="output text_html"><b>bold</b></div><figure class="replearn-figure" id="f">x</figure>
    </div></div><section><h2><span class="section-number">7.1. </span>Next</h2></section></section>
    """
    shown = Cell(["<b>bold</b>", '<figure class="replearn-figure" id="f">x</figure>'])
    assert parts_of(body, {}) == [
        Heading("# Title"),
        Text("Text"),
        shown,
        Heading("## 7.1. Next"),
    ]


def test_pictures_come_along(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    body = (
        '<figure><a class="image-reference" href="../_images/b.png">'
        '<img alt="What it shows" src="../_images/b.png"/></a><figcaption><p>'
        '<span class="caption-number">Figure 7.1 </span>Caption</p></figcaption></figure>'
        '<div><svg viewBox="0 0 1 1"><title>A dot</title></svg></div>'
    )
    first, second = parts_of(body, {"b.png": path})
    assert first.text.startswith('<img alt="What it shows"')
    assert "data:image/png;base64,eA==" in first.text
    assert first.text.endswith("\n\nFigure 7.1 Caption")
    assert second.text.startswith('<img alt="A dot"')


def test_a_figure_that_the_page_cuts_between_its_panels_is_one_picture():
    fig, axes = new_figure(ncols=2, width=7.1)
    for ax in axes:
        ax.plot([1, 2])
    html = show(fig, alt="Both lines rise from 1 to 2", caption="Two lines").html
    assert html.count("<svg") == 2
    (cell,) = parts_of(
        '<div class="cell"><div class="cell_output"><div class="output text_html">'
        f"{html}</div></div></div>",
        {},
    )
    (shown,) = cell.html
    assert shown.count("<img") == 1
    assert 'alt="Both lines rise from 1 to 2"' in shown
    assert "<svg" not in shown
    assert shown.endswith("<figcaption>Two lines</figcaption>\n</figure>")
    drawing = base64.b64decode(re.search('base64,([^"]+)"', shown)[1]).decode()
    assert 'viewBox="0 0 511.2' in drawing
    assert "<use href" not in drawing


def test_a_picture_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"'\.\./_images/b\.png' is none of the book's"):
        parts_of('<p><img src="../_images/b.png"/></p>', {})
