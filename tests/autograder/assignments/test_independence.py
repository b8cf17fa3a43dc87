"""Test cells use what they make, what is given above them, and what their question asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignments.independence import (
    check_independent,
    functions_called,
    names_made,
    names_used,
)
from autograder.assignments.questions import Question
from autograder.errors import CourseError
from gradekit.notebook import Cell

QUESTIONS = [Question("q1", "One", ("f", "g"), ""), Question("q2", "Two", ("h",), "")]


def check(test: str, *, above: str = "import torch\nA = 1\n", below: str = "late = 1") -> None:
    cells = [
        Cell("code", above),
        Cell("markdown", "f and g"),
        Cell("code", "def f(x): return x\nmine = 2", "solution", "q1_f"),
        Cell("code", "made = f(1)", "test", "q1_first_visible"),
        Cell("code", test, "test", "q1_second_visible"),
        Cell("code", below),
    ]
    check_independent(cells, QUESTIONS, Path("ps.md"))


@pytest.mark.parametrize(
    "test",
    [
        "assert f(A) == 1",
        "x = [f(i) for i in range(3)]\nassert len(x) == 3",
        "def inner(z):\n    y = z + A\n    return g(y)\ninner(1)",
        "import math\nfor k in range(2):\n    f(math.pi)",
        "with torch.no_grad() as c:\n    f(c)",
        "rule = lambda u, v=A: u + v\nassert rule(f(1))",
        "class Own:\n    size = A\n    def __call__(self): return self.size\nOwn()()",
        "try:\n    f(1)\nexcept ValueError as error:\n    print(error)",
        "a, (b, *c) = 1, (2, 3)\n(d := f(a))\nprint(a, b, c, d)",
        "f([last := i for i in range(2)])\nassert last",
        "def k():\n    global z\n    z = 1\nk()\nf(z)",
        "def k():\n    global np\n    import numpy as np\nk()\nf(np)",
        "def k():\n    a = 1\n    def m():\n        nonlocal a\n        a = 2\n    m()\nf(k())",
        "def k(f):\n    return f(1)\nk(abs)",
        "def k(n):\n    return k(n - 1) + later\nlater = 1\nk(f(1))",
        "for i in range(2):\n    if i:\n        f(before)\n    before = i",
        "a: int = f(1)\na += 1\ndel a",
        "class K:\n    def m(self):\n        return __class__\nf(K())",
        "match f(1):\n    case [a, *b]:\n        f(a, b)\n    case {'x': c, **d}:\n        f(c, d)",
        "import torch\nf(torch)",
        "A = 2\nA += 1\nf(A)",
    ],
)
def test_what_a_test_may_use(test: str) -> None:
    check(test)


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("assert f(made) == 1", "made"),
        ("assert f(mine) == 2", "mine"),
        ("assert f(h(1))", "h"),
        ("assert f(late)", "late"),
        ("def inner(z):\n    return z + made\ninner(f(1))", "made"),
        ("assert [f(made) for _ in range(2)]", "made"),
        ("assert f(1), f'{made}'", "made"),
        ("f(made)\nmade = 2", "made"),
        ("made += 1", "made"),
        ("del made", "made"),
        ("made = 1\ndel made\nf(made)", "made"),
        ("made: int\nf(made)", "made"),
        ("def k():\n    global made\n    made += 1\nk(f)", "made"),
        ("def k():\n    global made\n    return made\nk(f)", "made"),
        ("try:\n    f(1)\nexcept ValueError as e:\n    pass\nprint(e)", "e"),
        ("class K:\n    a = 1\n    def m(self):\n        return a\nf(K())", "a"),
        ("f([i for i in range(2)], i)", "i"),
    ],
)
def test_what_it_may_not(test: str, name: str) -> None:
    with pytest.raises(CourseError, match=f"^ps.md: test q1_second_visible uses {name}, which"):
        check(test)


@pytest.mark.parametrize(
    "test",
    [
        "f = g\nassert f(1)",
        "def k():\n    global f\n    f = g\nk()",
        "del f",
        "f += 1",
        "for f in (g,):\n    f(1)",
        "try:\n    g(1)\nexcept ValueError as f:\n    pass",
    ],
)
def test_a_test_does_not_redefine_what_it_judges(test: str) -> None:
    with pytest.raises(CourseError, match=r"q1_second_visible gives another meaning to f$"):
        check(test)


@pytest.mark.parametrize(
    ("test", "name", "whose"),
    [
        ("torch = f(1)", "torch", "which a given cell makes"),
        ("import numpy as torch", "torch", "which a given cell makes"),
        ("def tool():\n    return f(1)", "tool", "which a given cell makes"),
        ("del torch", "torch", "which a given cell makes"),
        ("A += 1", "A", "which a given cell makes"),  # twice is not once
        ("del A", "A", "which a given cell makes"),
        ("sum = f(1)", "sum", "which is Python's own"),
    ],
)
def test_what_was_there_keeps_its_meaning(test: str, name: str, whose: str) -> None:
    """In a notebook the cells below find what a test leaves."""
    with pytest.raises(CourseError, match=f"visible gives another meaning to {name}, {whose}$"):
        check(test, above="import torch\ndef tool(): pass\nA = 1")


@pytest.mark.parametrize("name", ["exec", "eval", "globals", "locals", "vars"])
def test_a_test_uses_nothing_that_reaches_every_name(name: str) -> None:
    with pytest.raises(CourseError, match=f"q1_second_visible uses {name}, which reaches every n"):
        check(f"f({name}('made'))")


@pytest.mark.parametrize(
    ("above", "used"),
    [
        ("def init():\n    global zz\n    zz = 1\ninit()", "zz"),
        ("for i in range(2):\n    pass", "i"),
        ("try:\n    import fast\nexcept ImportError:\n    fast = None", "fast"),
        ("if True:\n    B = 1\nelse:\n    C = 1", "C"),
    ],
)
def test_what_a_given_cell_leaves_is_there(above: str, used: str) -> None:
    check(f"f({used})", above=above)


def test_what_a_given_cell_takes_away_is_gone() -> None:
    with pytest.raises(CourseError, match="visible uses i, which neither"):
        check("f(i)", above="i = 1\ndel i")


def test_a_star_is_refused_where_names_must_be_known() -> None:
    with pytest.raises(CourseError, match=r"^ps.md: the cell 'from math import \*' imports \*, w"):
        check("f(sqrt(1))", above="from math import *")
    with pytest.raises(CourseError, match=r"^ps.md: test q1_second_visible imports \*, which"):
        check("from math import *\nf(sqrt(1))")


def test_a_cell_that_is_nested_too_deep_is_named() -> None:
    with pytest.raises(CourseError, match=r"^ps.md: test q1_second_visible is nested too deep$"):
        check("f(" + "1 + " * 900 + "1)")


def test_names_are_found_wherever_they_stand() -> None:
    assert names_used("a[b].c = d(e=f)\ng: h = i") == ("a", "b", "d", "f", "h", "i")
    assert names_made("def k():\n    global a\n    a = b = 1\nimport c.d\ne += 1") == {*"kace"}
    assert functions_called("x = g\nh.f(1)\n[f for _ in y]", ("f", "g", "h")) == ["f", "g", "h"]
    assert functions_called("x.f(1)", ("f",)) == []
