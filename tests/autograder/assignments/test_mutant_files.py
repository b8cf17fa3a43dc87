"""Mutants written as changes to the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.assignments.mutant_files import Mutant, read_mutants
from autograder.assignments.source import load_assignment
from autograder.assignments.variants import load_variants
from autograder.errors import CourseError
from tests.autograder.tinycourse import NAME

MEAN = '''def mean(values):
    """The mean."""
    total = sum(values)
    return total / len(values)'''
SQUARES = """def squares(values):
    return [value**2 for value in values]"""
SOLUTIONS = {"q1_mean": MEAN, "q1_squares": SQUARES, "q2_twice": "def twice(x):\n    return 2 * x"}
TESTS = ["q1_small_visible", "q1_other_hidden", "q2_small_visible"]

ONE = """[[mutant]]
name = "q1_one_less"
says = "Divides by one number too few."
caught_by = ["q1_small_visible", "q1_other_hidden"]
replace = 'return total / len(values)'
by = 'return total / (len(values) - 1)'
"""
TWO = """[[mutant]]
name = "q1_cubes"
says = "Adds up cubes."
caught_by = ["q1_small_visible"]

[[mutant.change]]
replace = '''
    total = sum(values)
'''
by = '''
    total = sum(value**3 for value in values)
'''

[[mutant.change]]
cell = "q1_squares"
replace = '**2 for'
by = '**3 for'
"""


def read(folder: Path, text: str, name: str = "q1.toml") -> list[Mutant]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_mutants(path, SOLUTIONS, TESTS)


def test_a_change_is_made_in_the_cell_that_has_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, ONE) == [
        Mutant(
            "q1_one_less",
            "Divides by one number too few.",
            ("q1_small_visible", "q1_other_hidden"),
            {"q1_mean": MEAN.replace("len(values)", "(len(values) - 1)")},
        )
    ]


def test_several_changes_make_one_mutant_of_several_cells(tmp_path: Path) -> None:
    first, second = read(tmp_path, ONE + TWO)
    assert (first.name, second.name) == ("q1_one_less", "q1_cubes")
    assert second.answers == {
        "q1_mean": MEAN.replace("sum(values)", "sum(value**3 for value in values)"),
        "q1_squares": SQUARES.replace("**2", "**3"),
    }


def test_changes_are_to_the_reference_whatever_their_order(tmp_path: Path) -> None:
    head = TWO.split("\n\n")[0]
    changes = [
        "[[mutant.change]]\nreplace = 'sum(values)'\nby = 'float(len(values))'",
        "[[mutant.change]]\nreplace = 'len(values)'\nby = '1'",  # two places after the first
    ]
    for order in (changes, changes[::-1]):
        (mutant,) = read(tmp_path, "\n\n".join([head, *order]))
        assert mutant.answers["q1_mean"].endswith("= float(len(values))\n    return total / 1")


def test_an_empty_text_takes_whole_lines_away(tmp_path: Path) -> None:
    text = ONE.split("replace")[0] + "replace = '''\n    total = sum(values)\n'''\nby = ''\n"
    assert read(tmp_path, text)[0].answers == {
        "q1_mean": MEAN.replace("    total = sum(values)\n", "")
    }


def test_the_last_line_of_a_cell_is_a_whole_line(tmp_path: Path) -> None:
    text = ONE.replace("'return total / len(values)'", "'''\n    return total / len(values)\n'''")
    text = text.replace("'return total / (len(values) - 1)'", "'''\n    return total\n'''")
    assert read(tmp_path, text)[0].answers["q1_mean"].endswith("sum(values)\n    return total")


FAULTS = {
    "toml": ("by = 'return", "by : 'return", "not TOML"),
    "one of two": ("[[mutant]]", f"{ONE}\n[mutant]", "; write [[mutant]] for each, not [mutant]"),
    "two of one": ("[[mutant]]", "[mutant]\n[[mutant]]", "; write [[mutant]] for each, not [mut"),
    "top": ("[[mutant]]", "[[mutants]]", "unknown key 'mutants'; known: mutant"),
    "table": ("[[mutant]]", "[mutant]", "mutant must be written as tables [[mutant]]"),
    "no name": ('name = "q1_one_less"', "", "mutant 1: name is missing"),
    "number": ('"q1_one_less"', "1", "mutant 1: name must be text and not empty, got 1"),
    "question": ("q1_one_less", "q2_one_less", "'q2_one_less': the name must be q1_, like the"),
    "path": ("q1_one_less", "q1_../../x", "'q1_../../x': the name must be q1_, like the"),
    "letter": ("q1_one_less", "q1_größe", "'q1_größe': the name must be q1_, like the"),
    "key": ("says =", "say =", "'q1_one_less': unknown key 'say'; known: by, caught_by, cell, ch"),
    "no says": ('says = "Divides by one number too few."', "", "'q1_one_less': says is missing"),
    "says": ("Divides by one number too few.", " ", "'q1_one_less': says must be text and not em"),
    "no tests": (
        '["q1_small_visible", "q1_other_hidden"]',
        "[]",
        "'q1_one_less': caught_by must be a list of test cells, got []",
    ),
    "text": (
        '["q1_small_visible", "q1_other_hidden"]',
        '"q1_small_visible"',
        "'q1_one_less': caught_by must be a list of test cells, got 'q1_small_visible'",
    ),
    "test": (
        "q1_small_visible",
        "q1_smal_visible",
        "'q1_one_less': caught_by names 'q1_smal_visible', which is not a test cell of q1; they "
        "are q1_small_visible, q1_other_hidden",
    ),
    "other test": (
        "q1_small_visible",
        "q2_small_visible",
        "'q1_one_less': caught_by names 'q2_small_visible', which is not a test cell of q1",
    ),
    "no replace": (
        "replace = 'return total / len(values)'",
        "",
        "'q1_one_less': replace is missing",
    ),
    "no by": ("by = 'return total / (len(values) - 1)'", "", "'q1_one_less': by is missing"),
    "by": ("by = 'return total / (len(values) - 1)'", "by = 1", "by must be text, got 1"),
    "nothing": ("replace = 'return total / len(values)'", "replace = ''", "replace must be text"),
    "same": ("(len(values) - 1)", "len(values)", "replace and by are the same text"),
    "not found": (
        "replace = 'return total",
        "replace = 'return sum(values)",
        "mutant 'q1_one_less': replace 'return sum(values) / len(values)' found 0 times in "
        "q1_mean, q1_squares, wanted exactly once",
    ),
    "ambiguous": (
        "replace = 'return total / len(values)'",
        "replace = 'return '",
        "mutant 'q1_one_less': replace 'return' found 2 times in q1_mean, q1_squares, wanted "
        "exactly once",
    ),
    "overlap": (
        "replace = 'return total / len(values)'",
        "replace = '\"\"'",
        "found 4 times in",  # two marks of three, two places in each
    ),
    "lines": (
        "replace = 'return total / len(values)'",
        "replace = '''\n    total = values\n    return total / len(values)\n'''",
        "replace 'total = values ...' found 0 times",
    ),
    "cell": (
        "replace =",
        'cell = "q2_twice"\nreplace =',
        "'q1_one_less': 'q2_twice' is not a solution cell of the question; they are q1_mean, q1_s",
    ),
    "other cell": (
        "replace =",
        'cell = "q1_squares"\nreplace =',
        "found 0 times in q1_squares, wanted exactly once",
    ),
    "python": (
        "by = 'return total",
        "by = 'return return total",
        "'q1_one_less': q1_mean line 4 is not Python: invalid syntax",
    ),
    "compiled": (
        "by = 'return total / (len(values) - 1)'",
        "by = 'break'",
        "'q1_one_less': q1_mean line 4 is not Python: 'break' outside loop",
    ),
    "null byte": (
        "by = 'return total / (len(values) - 1)'",
        'by = "return 1 \\u0000"',
        "'q1_one_less': q1_mean ",
    ),
    "deep": ("by = 'return total / (len", f"by = 'return {'-' * 200_000}(len", "nested too deep"),
    "deep TOML": ("[[mutant]]", f"x = {'[' * 200_000}\n[[mutant]]", "nested too deep"),
    "cell is a list": ("replace =", "cell = []\nreplace =", "[] is not a solution cell of the"),
    "cell is a table": ("replace =", "cell = {}\nreplace =", "{} is not a solution cell of the"),
    "test is a list": ('"q1_small_visible"', "[]", "caught_by names [], which is not a test cell"),
    "escape": ("Divides", "\\u001b[31mDivides", "says must be one line without control char"),
    "two lines": ("Divides", "Divides\\n", "says must be one line without control characters"),
    "twice": (
        "q1_other_hidden",
        "q1_small_visible",
        "'q1_one_less': caught_by names 'q1_small_visible' twice",
    ),
    "both": (
        "by = 'return total / (len(values) - 1)'",
        "[[mutant.change]]\nreplace = 'total = sum'\nby = 'total = max'",
        "'q1_one_less': replace and [[mutant.change]] exclude each other",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_sentence_that_names_the_file(tmp_path: Path, fault: str) -> None:
    old, new, message = FAULTS[fault]
    assert ONE.count(old) == 1
    with pytest.raises(CourseError, match=re.escape(message)) as caught:
        read(tmp_path, ONE.replace(old, new))
    assert str(caught.value).startswith(f"{tmp_path / 'q1.toml'}: ")
    assert "\n" not in str(caught.value)


CHANGE_FAULTS = {
    "key": ("cell =", "cel =", "'q1_cubes': change 2: unknown key 'cel'; known: by, cell, replac"),
    "no by": ("by = '**3 for'", "", "'q1_cubes': change 2: by is missing"),
    "table": (TWO[TWO.index("[[mutant.change]]") :], "change = []", "as tables [[mutant.change]]"),
    "overlap": (
        """cell = "q1_squares"
replace = '**2 for'""",
        "replace = 'sum(values)'",
        "'q1_cubes': two changes replace the same text of q1_mean",
    ),
}


@pytest.mark.parametrize("fault", CHANGE_FAULTS)
def test_a_fault_in_one_of_several_changes_is_named(tmp_path: Path, fault: str) -> None:
    old, new, message = CHANGE_FAULTS[fault]
    assert TWO.count(old) == 1
    with pytest.raises(CourseError, match=re.escape(message)):
        read(tmp_path, TWO.replace(old, new))


def test_two_mutants_of_one_name_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"q1.toml: two mutants are named 'q1_one_less'"):
        read(tmp_path, ONE + ONE)


def test_names_that_differ_only_in_case_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"'q1_one_less' and 'q1_One_less' differ only in case"):
        read(tmp_path, ONE + ONE.replace("q1_one", "q1_One"))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert read(tmp_path, f"\ufeff{ONE}") == read(tmp_path, ONE)


@pytest.mark.parametrize(
    "name", ["q1.TOML", "q1.toml~", "notes.txt", "q1", "old/", "old.py/", "q3.toml/"]
)
def test_what_would_be_passed_over_is_named(solutions: Path, name: str) -> None:
    assignment = load_assignment(solutions / NAME)
    path = solutions / NAME / "mutants" / name.rstrip("/")
    (path.parent / "__pycache__").mkdir()
    (path.parent / ".q1.toml.swp").touch()
    before = load_variants(assignment, "mutant")
    assert len(before) == 2
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_text("")
    with pytest.raises(CourseError, match=re.escape(f"{path} is not read: only files qK.toml")):
        load_variants(assignment, "mutant")


def test_mutants_must_be_a_folder(solutions: Path) -> None:
    assignment = load_assignment(solutions / NAME)
    folder = solutions / NAME / "mutants"
    folder.rename(folder.with_name("elsewhere"))
    assert load_variants(assignment, "mutant") == []
    folder.touch()
    with pytest.raises(CourseError, match="mutants must be a folder"):
        load_variants(assignment, "mutant")


@pytest.mark.parametrize("text", ["\0", "x = " + "-" * 200_000 + "1"])
def test_a_file_that_cannot_be_parsed_is_a_fault(solutions: Path, text: str) -> None:
    path = solutions / NAME / "mutants" / "odd.py"
    path.write_text(f'"""Odd."""\n{text}\n')
    with pytest.raises(CourseError, match=r"odd\.py"):
        load_variants(load_assignment(solutions / NAME), "mutant")


@pytest.mark.parametrize("name", ["q3.toml", "mutants.toml", "q01.toml"])
def test_a_file_of_no_question_is_a_fault(tmp_path: Path, name: str) -> None:
    message = f"{name}: no question has solution cells for it; known: q1.toml, q2.toml"
    with pytest.raises(CourseError, match=re.escape(message)):
        read(tmp_path, ONE, name)


def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"q1.toml: No such file"):
        read_mutants(tmp_path / "q1.toml", SOLUTIONS, TESTS)


def test_both_kinds_of_files_are_loaded_together(solutions: Path) -> None:
    assignment = load_assignment(solutions / NAME)
    first, second = load_variants(assignment, "mutant")
    assert (first.name, second.name) == ("q1_one_less", "q2_variance")
    assert second.kind == "mutant"
    assert second.summary == "Forgets the square root."
    assert second.caught_by == ("q2_other_hidden",)
    assert second.answers["q2_spread"] != assignment.solutions["q2_spread"]
    assert "math.sqrt" not in second.answers["q2_spread"]


def test_the_two_kinds_share_their_names(solutions: Path) -> None:
    folder = solutions / NAME / "mutants"
    (folder / "q2_variance.py").write_text(
        '"""The same."""\n# caught-by: q2_other_hidden\n\n# %% q2_spread\nspread = None\n'
    )
    with pytest.raises(CourseError, match="mutants: two mutants are named 'q2_variance'"):
        load_variants(load_assignment(solutions / NAME), "mutant")
