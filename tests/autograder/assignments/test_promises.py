"""Promises of a text, the cases that hold a question to them, and the mutants that break them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignments.promises import Promise, load_promises, unpromised
from autograder.assignments.source import load_assignment
from autograder.assignments.variants import load_variants
from autograder.course import Course
from autograder.errors import CourseError
from tests.autograder.tinycourse import NAME, run

SPREAD = {
    "text": "the standard deviation (divide by n)",
    "test": "q2_other_hidden",
    "case": "the root of the mean squared distance",
    "mutants": ["q2_variance"],
}


def table(**changes: object) -> str:
    lines = [f"{key} = {value!r}" for key, value in (SPREAD | changes).items()]
    return "\n[[promise]]\n" + "\n".join(line.replace("'", '"') for line in lines) + "\n"


def promise(solutions: Path, text: str) -> list[Promise]:
    path = solutions / NAME / "mutants" / "q2.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    assignment = load_assignment(solutions / NAME)
    return load_promises(assignment, load_variants(assignment, "mutant"))


def test_a_promise_is_read(solutions: Path) -> None:
    found = promise(solutions, table())
    assert found == [
        Promise("q2", SPREAD["text"], SPREAD["test"], SPREAD["case"], ("q2_variance",))
    ]
    assert unpromised(load_assignment(solutions / NAME), found) == ["q1_other_hidden"]


@pytest.mark.parametrize(
    "text",
    ["Write `spread`, the   standard deviation", "Standard deviation of a list of numbers."],
    ids=["the question's text", "the stub"],
)
def test_it_stands_where_the_student_reads_it(solutions: Path, text: str) -> None:
    assert promise(solutions, table(text=text))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"text": "the variance"}, "promise 1: q2 says nowhere 'the variance'"),
        ({"text": "Write `mean`"}, "q2 says nowhere"),
        ({"text": "return math.sqrt("}, "q2 says nowhere"),  # it stands in the answer
        ({"test": "q1_other_hidden"}, "'q1_other_hidden' is not a test cell of q2; they are q2_s"),
        ({"case": "one number only"}, "no message of q2_other_hidden contains 'one number only'"),
        ({"mutants": []}, "mutants must be a list of names, got"),
        ({"mutants": ["q2_none"]}, "there is no mutant 'q2_none'"),
        ({"mutants": ["q1_one_less"]}, "q1_one_less does not name q2_other_hidden under caught_by"),
        ({"mutants": ["q2_variance"] * 2}, "promise 1: mutants names 'q2_variance' twice"),
        ({"text": "Write"}, "text must have 6 characters or more, got 'Write'"),
        ({"text": "Standard"}, "text must be two words or more, got 'Standard'"),
        ({"case": "e"}, "case must have 6 characters or more, got 'e'"),
        ({"text": "raise NotImplementedError()"}, "q2 says nowhere 'raise NotImplementedError()'"),
        ({"case": " "}, "case must be text and not empty"),
        ({"because": "x"}, "unknown key 'because'"),
    ],
)
def test_a_wrong_promise_is_named(solutions: Path, changes: dict[str, object], fault: str) -> None:
    with pytest.raises(CourseError) as caught:
        promise(solutions, table(**changes))
    assert fault in str(caught.value)


def test_a_promise_counts_once(solutions: Path) -> None:
    with pytest.raises(CourseError, match=r"promise 2 repeats promise 1: the same text, test and"):
        promise(solutions, table() + table())


def test_a_missing_key_and_an_empty_file_are_named(solutions: Path) -> None:
    with pytest.raises(CourseError, match="promise 1: mutants is missing"):
        promise(solutions, '\n[[promise]]\ntext = "a"\ntest = "b"\ncase = "c"\n')
    (solutions / NAME / "mutants" / "q2.toml").write_text("")
    with pytest.raises(CourseError, match="holds no"):
        promise(solutions, "")


@pytest.mark.parametrize("case", ["only a remark", "is compared with", "stands as a key"])
def test_what_a_test_says_to_itself_is_no_message(solutions: Path, case: str) -> None:
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    own = '"only a remark"\nlabels = {}\nlabels["stands as a key"] = 1\n'
    own += 'assert labels != "is compared with", message\n'
    line = "assert abs(spread([0.0, 0.0, 8.0, 8.0])"
    assert line in text
    source.write_text(text.replace(line, own + line), encoding="utf-8")
    with pytest.raises(CourseError, match=f"no message of q2_other_hidden contains '{case}'"):
        promise(solutions, table(case=case))


def test_a_stub_promises_in_its_docstring_and_comments(solutions: Path) -> None:
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    old = "    ### BEGIN SOLUTION\n    centre"
    new = "    # The mean é first.\n    count = len(values)  # divide by it\n" + old
    assert old in text
    source.write_text(text.replace(old, new), encoding="utf-8")
    said = table(text="The mean é first.") + table(text="# divide by it")
    assert len(promise(solutions, said + table(text="def spread(values):"))) == 3
    with pytest.raises(CourseError, match="says nowhere 'count = len"):
        promise(solutions, table(text="count = len(values)"))


def test_the_mutant_must_fail_by_that_case(
    tmp_path: Path, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case that another mistake meets first proves nothing of the promise."""
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    line = "assert abs(spread([0.0, 0.0, 8.0, 8.0]) - 4.0) < 1e-9, message"
    other = "assert spread([5.0]) == 0.0, 'one number has no spread'\n"
    assert line in text
    source.write_text(text.replace(line, other + line), encoding="utf-8")
    q1 = '[[promise]]\ntext = "Write `mean`"\ntest = "q1_other_hidden"\ncase = "mean is wrong"\n'
    q1 += 'mutants = ["q1_one_less"]\n'
    (solutions / NAME / "mutants" / "q1.toml").write_text(q1)
    promise(solutions, table())
    assert run("mutants", course=Course(tmp_path), solutions=solutions) == 0
    assert "; 2 promises with a case and a mutant" in capsys.readouterr().out
    promise(solutions, table(case="one number has no spread"))
    assert run("mutants", course=Course(tmp_path), solutions=solutions) == 1
    out = capsys.readouterr().out
    assert "mutant/q2_variance: fails q2_other_hidden with 'spread is wrong on other" in out
    assert "wanted the case 'one number has no spread'" in out


def test_a_hidden_test_without_a_promise_is_a_fault(
    tmp_path: Path, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promise(solutions, table())
    assert run("mutants", course=Course(tmp_path), solutions=solutions) == 1
    assert f"fault: {NAME}: no promise names q1_other_hidden\n" in capsys.readouterr().out
