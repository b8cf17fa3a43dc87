"""The tests are tested: mutants, right answers and the stub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignments.mutation_testing import check_tests
from autograder.assignments.source import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import EngineError
from autograder.results import Result, ResultStore, TestResult
from gradekit.notebook import Submission
from tests.autograder.tinycourse import NAME, run


class Verdicts:
    """An engine that fails exactly the named tests of each submission."""

    def version(self, assignment: Assignment) -> str:
        del assignment
        return "verdicts-1"

    def __init__(self, **failures: set[str]) -> None:
        self.failures = {name.replace("__", "/"): tests for name, tests in failures.items()}
        self.lucky: set[str] = set()  # tests that everyone passes with an odd seed
        self.unlucky: set[str] = set()  # and those that everyone fails
        self.gone = False  # no grading with an odd seed

    def open(self) -> None:
        pass

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        failed = self.failures.get(submission.student, set())
        if "kernel" in failed:
            raise EngineError("no kernel")
        tests = tuple(
            TestResult(t.grade_id, t.question, 0, t.points, t.grade_id not in failed, "why")
            for t in assignment.tests
        )
        return Result(submission.student, assignment.name, "complete", tests=tests)

    def grade_together(
        self, submissions: Sequence[Submission], assignment: Assignment, *, seed: int = 0
    ) -> list[Result]:
        if self.gone and seed % 2:
            raise EngineError("no kernel")
        lucky, unlucky = (self.lucky, self.unlucky) if seed % 2 else (set(), set())
        return [
            replace(result, tests=tuple(_drawn(test, lucky, unlucky) for test in result.tests))
            for result in (self.grade(submission, assignment) for submission in submissions)
        ]

    def close(self) -> None:
        pass


def _drawn(test: TestResult, lucky: set[str], unlucky: set[str]) -> TestResult:
    if test.grade_id in unlucky:
        return replace(test, passed=False, message="bad luck")
    return replace(test, passed=True) if test.grade_id in lucky else test


ALL = {"q1_small_visible", "q1_other_hidden", "q2_small_visible", "q2_other_hidden"}
GOOD = {
    "stub": ALL,
    "mutant__q1_one_less": {"q1_small_visible", "q1_other_hidden"},
    "mutant__q2_variance": {"q2_other_hidden"},
}


def test_the_fixtures_own_tests_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("mutants", course=Course(tmp_path)) == 0
    out = capsys.readouterr().out
    assert f"{NAME} mutant/q2_variance: killed by q2_other_hidden" in out
    assert out.endswith("killed 2 of 2 mutants; 2 of 2 right answers at full marks\n")
    monkeypatch.delattr(
        "autograder.execution.engine.SandboxEngine.grade"
    )  # unchanged: nothing to grade
    assert run("mutants", course=Course(tmp_path)) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("change", "line", "fault"),
    [
        (
            ('"q2_other_hidden"', '"q2_other_hidden", "q2_small_visible"'),
            "SURVIVED q2_small_visible",
            "survived q2_small_visible",
        ),
        (
            ("by = 'return sum((value", "by = 'return sum((valu"),
            "BROKEN, NameError",
            "uses a name that is not there",
        ),
    ],
    ids=["a test that misses it", "a name that is nowhere"],
)
def test_a_mutant_that_is_not_caught_as_it_says_fails_the_command(
    tmp_path: Path,
    solutions: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    line: str,
    fault: str,
) -> None:
    mutant = solutions / NAME / "mutants" / "q2.toml"
    mutant.write_text(mutant.read_text(encoding="utf-8").replace(*change))
    assert run("mutants", course=Course(tmp_path), solutions=solutions) == 1
    out = capsys.readouterr().out
    assert f"{NAME} mutant/q2_variance: {line}" in out
    assert f"fault: {NAME} mutant/q2_variance: {fault}" in out
    assert out.endswith("killed 1 of 2 mutants; 2 of 2 right answers at full marks\n")


def test_a_hidden_test_of_two_functions_is_a_fault(
    tmp_path: Path, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = solutions / NAME
    for path, old, new in [
        (folder / "assignment.toml", 'names = ["mean"]', 'names = ["mean", "total"]'),
        (folder / f"{NAME}.md", "import math\n", "import math\n\ntotal = sum\n"),
        (folder / f"{NAME}.md", "17.0]\n", "17.0]\ntotal(secret_values)\n"),
    ]:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    assert run("mutants", course=Course(tmp_path), solutions=solutions) == 1
    assert f"fault: {NAME}: q1_other_hidden judges mean, total;" in capsys.readouterr().out


def test_a_verdict_that_depends_on_luck_is_a_fault(tmp_path: Path, assignment: Assignment) -> None:
    engine = Verdicts(**GOOD)
    store = ResultStore(tmp_path)
    report = check_tests([assignment], engine, store, workers=2, gradings=5, quiet=True)
    assert report.faults == []
    assert report.lines[-1] == "5 answers graded 5 times"
    engine.lucky = {"q2_other_hidden"}
    report = check_tests([assignment], engine, store, workers=2, gradings=3, quiet=True)
    assert sorted(report.faults) == [
        f"{NAME} {who}: q2_other_hidden fails with seed 0 and passes in 1 of 3 gradings (seed 1)"
        for who in ("mutant/q2_variance", "stub")
    ]


def test_each_answer_has_one_line_with_all_its_seeds(
    tmp_path: Path, assignment: Assignment
) -> None:
    engine, store = Verdicts(**GOOD), ResultStore(tmp_path)
    engine.lucky = {"q2_other_hidden", "q2_small_visible"}
    report = check_tests([assignment], engine, store, workers=2, gradings=5, quiet=True)
    passes = "fails with seed 0 and passes in 2 of 5 gradings (seeds 1, 3)"
    assert f"{NAME} mutant/q2_variance: q2_other_hidden {passes}" in report.faults
    assert f"{NAME} stub: q2_small_visible {passes}; q2_other_hidden {passes}" in report.faults
    assert len(report.faults) == 2
    engine.lucky, engine.unlucky = set(), {"q1_other_hidden"}
    report = check_tests([assignment], engine, store, workers=2, gradings=30, quiet=True)
    assert (
        f"{NAME} solution: q1_other_hidden passes with seed 0 and fails in 15 of 30 gradings "
        "(seeds 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, ...), first with 'bad luck'"
    ) in report.faults


def test_a_grading_that_failed_is_counted_too(tmp_path: Path, assignment: Assignment) -> None:
    engine = Verdicts(**GOOD)
    engine.gone = True
    report = check_tests(
        [assignment], engine, ResultStore(tmp_path), workers=1, gradings=5, quiet=True
    )
    assert len(report.faults) == 5
    assert all("no kernel" in f and "in 2 of 5 gradings (seeds 1, 3)" in f for f in report.faults)


def test_luck_in_a_real_grading_is_found(
    tmp_path: Path, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the numbers lie one from their mean, the variance is the standard deviation."""
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    planted = "assert abs(spread([0.0, 0.0, 8.0, 8.0]) - 4.0) < 1e-9, message"
    drawn = (
        "import os\n"
        "scale = 2.0 if int(os.environ['REPLEARN_GRADING_SEED']) % 2 else 8.0\n"
        "assert abs(spread([0.0, 0.0, scale, scale]) - scale / 2) < 1e-9, message"
    )
    assert planted in text
    source.write_text(text.replace(planted, drawn), encoding="utf-8")
    gradings = ("--gradings", 8)
    assert run("mutants", *gradings, course=Course(tmp_path), solutions=solutions) == 1
    out = capsys.readouterr().out
    assert "5 answers graded 8 times\n" in out
    assert f"fault: {NAME} mutant/q2_variance: " in out
    assert "right" not in "".join(line for line in out.splitlines() if line.startswith("fault"))


@pytest.mark.parametrize(
    ("change", "fault", "summary"),
    [
        ({}, None, "killed 2 of 2 mutants; 2 of 2 right"),
        ({"stub": ALL - {"q2_small_visible"}}, "q2_small_visible passes on", "killed 2 of 2"),
        ({"solution": {"q1_other_hidden"}}, "q1_other_hidden: why", "1 of 2 right"),
        ({"right__loops": {"q2_small_visible"}}, "q2_small_visible: why", "1 of 2 right"),
        ({"mutant__q1_one_less": {"q1_small_visible"}}, "q1_other_hidden", "killed 1 of 2"),
        ({"mutant__q1_one_less": {"kernel"}}, "no kernel", "killed 1 of 2"),
        ({"stub": {"kernel"}}, "no kernel", "killed 2 of 2"),
    ],
)
def test_each_fault_is_reported(
    tmp_path: Path,
    assignment: Assignment,
    change: dict[str, set[str]],
    fault: str | None,
    summary: str,
) -> None:
    report = check_tests(
        [assignment], Verdicts(**{**GOOD, **change}), ResultStore(tmp_path), workers=1, quiet=True
    )
    assert summary in report.summary
    assert bool(report.faults) == (fault is not None)
    if fault:
        assert any(fault in line for line in report.faults)


def test_the_fixture_is_what_these_tests_assume(assignment: Assignment) -> None:
    assert {test.grade_id for test in assignment.tests} == ALL
    assert load_assignment(assignment.folder) == assignment


def test_only_the_questions_that_must_catch_a_mutant_are_judged(tmp_path: Path) -> None:
    assert run("mutants", course=Course(tmp_path)) == 0
    store = ResultStore(Course(tmp_path).results.folder / "mutants")
    judged = {
        student: {test.question for test in store.load(NAME, student)[1].tests}
        for student in ("mutant/q1_one_less", "mutant/q2_variance", "solution", "stub")
    }
    assert judged == {
        "mutant/q1_one_less": {"q1"},
        "mutant/q2_variance": {"q2"},
        "solution": {"q1", "q2"},
        "stub": {"q1", "q2"},
    }
