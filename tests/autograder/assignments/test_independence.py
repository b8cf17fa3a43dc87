"""Test cells use what they make, what is given above them, and what their question asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignments.independence import check_independent, functions_called, names_used
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
    ],
)
def test_what_it_may_not(test: str, name: str) -> None:
    with pytest.raises(CourseError, match=f"^ps.md: test q1_second_visible uses {name}, which"):
        check(test)


def test_a_test_does_not_redefine_what_it_judges() -> None:
    with pytest.raises(CourseError, match=r"q1_second_visible gives another meaning to f$"):
        check("f = g\nassert f(1)")


def test_names_are_found_wherever_they_stand() -> None:
    assert names_used("a[b].c = d(e=f)\ng: h = i") == ("a", "b", "d", "f", "h", "i")
    assert functions_called("x = g\nh.f(1)\n[f for _ in y]", ("f", "g", "h")) == ["f", "g", "h"]
    assert functions_called("x.f(1)", ("f",)) == []
