"""Formulas that MathJax could not set are found without a browser, and no others."""

from __future__ import annotations

import pytest

from replearn_book.tex import mathjax_names, names_of, problem_of

NAMES = mathjax_names()


def test_the_names_are_those_of_the_installed_mathjax():
    assert {"frac", "alpha", "lVert", "operatorname", "\\", ",", "{", "cdots"} <= NAMES.macros
    assert {"aligned", "pmatrix", "cases", "align*"} <= NAMES.environments
    assert {"boldsymbol", "cancel"} <= NAMES.macros  # loaded when they are used
    assert "foo" not in NAMES.macros
    with pytest.raises(ValueError, match="has only 1 names of TeX"):
        names_of('new a.CommandMap("macros",{frac:["Frac"]},b)')


@pytest.mark.parametrize(
    "tex",
    [
        "",
        r"\frac{1}{2}",
        r"\frac12",
        r"\sqrt[3]{x}",
        r"x_1^2, x'^2, {x^a}^b",
        r"\left.\frac{a}{b}\right|_{0}",
        r"\begin{aligned}a&=b\\c&=d\end{aligned}",
        r"\left(\begin{array}{cc}1&2\\3&4\end{array}\right)",
        r"\text{a_b and $x$} = \operatorname*{arg\,min}_x f",
        "a % } a comment",
    ],
)
def test_what_is_right_passes(tex):
    assert problem_of(tex, NAMES) is None


@pytest.mark.parametrize(
    ("tex", "said"),
    [
        (r"\foo", r"MathJax knows no `\foo`"),
        (r"\frac{1}{", "`{` is not closed before the end"),
        (r"\frac{1}", r"`\frac` without its argument, before the end"),
        (r"{\hat}", r"`\hat` without its argument, before `}`"),
        ("a}", "`}` without what it closes"),
        (r"\left(a", r"`\left` without `\right`, before the end"),
        (r"a\right)", r"`\right` without what it closes"),
        (r"\left(a&b\right)", r"`&` between \left and \right"),
        (r"\begin{foo}\end{foo}", r"MathJax knows no environment `\begin{foo}`"),
        (r"\begin{cases}a", r"`\begin{cases}` is not ended before the end"),
        (r"\begin{cases}a\end{matrix}", r"`\begin{cases}` is ended by `\end{matrix}`"),
        ("x^a^b", "two `^` at one symbol; braces say which is meant"),
        ("x_{1}^2_3", "two `_` at one symbol; braces say which is meant"),
        (r"\text{a", r"`\text{` is not closed before the end"),
        ("a $ b", "a `$` within a formula"),
        ("x^", "`^` without its argument, before the end"),
    ],
)
def test_what_is_wrong_is_said(tex, said):
    assert problem_of(tex, NAMES).text == said


def test_the_line_is_that_of_the_fault():
    assert problem_of("a\n+b\n+\\foo\n+c", NAMES).line == 2
