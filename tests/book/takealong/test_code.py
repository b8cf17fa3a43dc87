"""What is for the build leaves the code, and nothing that later code needs."""

from __future__ import annotations

import pytest

from replearn_book.takealong.code import CodeCell, for_reader


def shown(*sources: str) -> list[str | None]:
    return for_reader([CodeCell(source, removed=False) for source in sources])


def after_removed(removed: str, *later: str) -> str | None:
    """What is left of a removed cell before others."""
    cells = [CodeCell(removed, removed=True), *(CodeCell(text, removed=False) for text in later)]
    return for_reader(cells)[0]


def test_a_cell_that_serves_the_reader_stays_to_the_letter():
    text = "x = [1,\n     2]   # two\n\n\ndef f( a ):\n    return x"
    assert shown(text) == [text]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import math\nfrom myst_nb import glue\nx = 1", "import math\nx = 1"),
        ("import myst_nb as m\nx = 1\nm.glue('x', x)", "x = 1"),
        ("from replearn import conclusions, pca\nx = pca", "from replearn import pca\nx = pca"),
        (  # which gives the name replearn, too
            "import replearn.conclusions\nreplearn.conclusions.conclude('a', True)\nx = 1",
            "import replearn.conclusions\nx = 1",
        ),
        ("from myst_nb import glue\nx = 1\n# for the text\nglue(\n  'x',\n  x,\n)", "x = 1"),
        ("from myst_nb import glue\nfor a in (1, 2):\n    glue('a', a)\nx = 1", "x = 1"),
        (
            "from myst_nb import glue\nfor a in (1, 2):\n    glue('a', a)\n    print(a)",
            "for a in (1, 2):\n    print(a)",
        ),
        (
            "from myst_nb import glue\nif a:\n    glue('a', a)\nelse:\n    print(a)",
            "if a:\n    pass\nelse:\n    print(a)",
        ),
        (
            "from myst_nb import glue\ndef put(v):\n    'Doc'\n    glue('v', v)\nput(1)\nx = 2",
            "x = 2",
        ),
    ],
)
def test_imports_and_calls_for_the_build_are_left_out(before, after):
    assert shown(before) == [after]


def test_a_name_for_the_build_is_known_in_later_cells():
    assert shown("from myst_nb import glue\nx = 1", "glue('x', x)\ny = x") == ["x = 1", "y = x"]


def test_a_cell_of_nothing_else_is_dropped():
    assert shown("from myst_nb import glue", "# numbers\nglue('x', 1)") == [None, None]


@pytest.mark.parametrize(
    ("removed", "later", "left"),
    [
        ("x = 1", "print(2)", None),
        ("x = 1\ny = 2", "print(y)", "y = 2"),
        ("x = 1\ny = x", "print(y)", "x = 1\ny = x"),
        ("x = 1", "x = 2\nprint(x)", None),
        ("x = 1", "def f():\n    return x", "x = 1"),
        ("x = 1", "[x for x in range(3)]", None),
        ("def f():\n    return 1", "f()", "def f():\n    return 1"),
        ("d['k'] = 1", "print(d)", "d['k'] = 1"),
        ("rows.append(1)", "print(rows)", "rows.append(1)"),
        ("rows.append(1)", "print(2)", None),
        ("for k in a:\n    d[k] = 0", "print(d)", "for k in a:\n    d[k] = 0"),
        ("with a:\n    x = 1", "x", "with a:\n    x = 1"),
        ("x = 1\nassert x == 1, 'as the text says'", "x", "x = 1"),
        ("import torch\nx = torch.ones(1)", "x", "import torch\nx = torch.ones(1)"),
        ("x = 1", "%timeit x", "x = 1"),
    ],
)
def test_of_a_removed_cell_stays_what_later_code_needs(removed, later, left):
    assert after_removed(removed, later) == left


def test_what_a_function_needs_when_it_is_called_stays():
    cells = [
        CodeCell("def f():\n    return late", removed=False),
        CodeCell("late = 1\nearly = 2", removed=True),
        CodeCell("f()", removed=False),
    ]
    assert for_reader(cells)[1] == "late = 1"


def test_a_conclusion_that_is_only_glued_goes():
    text = "from myst_nb import glue\nfrom replearn.conclusions import conclude\n"
    text += "word = conclude(a, b)\nglue('word', word)"
    assert after_removed(text, "print(a)") is None


def test_code_that_can_not_do_without_the_build_is_an_error():
    with pytest.raises(ValueError, match="needs glue, which a reader of the notebook has not"):
        shown("from myst_nb import glue\nshow = glue")


def test_code_that_shares_a_line_with_what_is_left_out_is_an_error():
    with pytest.raises(ValueError, match="shares a line with other code"):
        shown("from myst_nb import glue; x = 1")
