"""Proves the tests: mutants must fail where they should, right answers must get full marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from autograder.assignments import aliasing
from autograder.assignments.release import stub_answers
from autograder.assignments.source import Assignment
from autograder.assignments.variants import Variant, load_variants
from autograder.execution.engine import Engine
from autograder.grading import Job, run_jobs
from autograder.keys import Environment
from autograder.results import Result, ResultStore
from gradekit.notebook import Submission, question_of


@dataclass
class Report:
    """What came out; ``lines`` in the order of the files, ``faults`` what must be mended."""

    killed: int = 0
    mutants: int = 0
    passed: int = 0
    rights: int = 0
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The counts in one line."""
        return (
            f"killed {self.killed} of {self.mutants} mutants; "
            f"{self.passed} of {self.rights} right answers at full marks"
        )


def check_tests(
    assignments: Iterable[Assignment],
    engine: Engine,
    store: ResultStore,
    *,
    workers: int,
    quiet: bool = False,
) -> Report:
    """Grade reference, right answers, stub and wrong answers of every assignment with one engine.

    The reference counts as a right answer. The untouched stub must not score on any test, and an
    answer that overwrites its arguments on no hidden one (:mod:`autograder.assignments.aliasing`).
    What has not changed since it was last graded comes from the store. Of a mutant, only the
    questions are judged whose tests must catch it.
    """
    report = Report()
    plan: list[tuple[Assignment, Variant | str]] = []
    jobs: list[Job] = []
    for assignment in assignments:
        name = assignment.name
        plan += [(assignment, "solution"), (assignment, "stub")]
        jobs.append((Submission("solution", name, assignment.answers), assignment))
        jobs.append((Submission("stub", name, stub_answers(assignment)), assignment))
        plan.append((assignment, aliasing.NAME))
        jobs.append((aliasing.mutating_answers(assignment, aliasing.NAME), assignment))
        for variant in (*load_variants(assignment, "right"), *load_variants(assignment, "mutant")):
            plan.append((assignment, variant))
            # "/" keeps a variant called stub apart from the stub
            submission = variant.submission(assignment, f"{variant.kind}/{variant.name}")
            # A mutant has to fail where it says; the tests of other questions would take minutes.
            asked = tuple(dict.fromkeys(question_of(name) for name in variant.caught_by))
            jobs.append((replace(submission, only=asked), assignment))
    results = _results(engine, jobs, store, workers, quiet)
    for (submission, assignment), (_, item) in zip(jobs, plan, strict=True):
        _judge(report, assignment, item, results[assignment.name, submission.student])
    return report


def _results(
    engine: Engine, jobs: list[Job], store: ResultStore, workers: int, quiet: bool
) -> dict[tuple[str, str], Result]:
    """Results by assignment and name, stored ones first."""
    environment = Environment()
    results: dict[tuple[str, str], Result] = {}
    todo: list[Job] = []
    keys: dict[tuple[str, str], str] = {}
    for submission, assignment in jobs:
        name = (assignment.name, submission.student)
        keys[name] = environment.key(submission, assignment, engine.version(assignment))
        stored = store.load(*name)
        if stored and stored[0] == keys[name]:
            results[name] = stored[1]
        else:
            todo.append((submission, assignment))
    for _, result in run_jobs(engine, todo, workers=workers, label="mutants", quiet=quiet):
        name = (result.assignment, result.student)
        results[name] = result
        if result.outcome != "not graded":
            store.save(keys[name], result)
    return results


def _judge(report: Report, assignment: Assignment, item: Variant | str, result: Result) -> None:
    where = f"{assignment.name} {result.student}"
    failed = {test.grade_id: test.message for test in result.tests if not test.passed}
    if result.outcome == "not graded":
        report.faults.append(f"{where}: {result.status()}")
        failed = {test.grade_id: "not graded" for test in assignment.tests}
    if item == "stub":
        scored = [test.grade_id for test in result.tests if test.passed]
        report.lines.append(f"{where}: scores on {len(scored)} of {len(result.tests)} tests")
        report.faults += [f"{where}: {name} passes on the untouched stub" for name in scored]
    elif item == aliasing.NAME:
        fooled = sorted(aliasing.judged_by(assignment) - set(failed))
        report.lines.append(f"{where}: fools {', '.join(fooled) or 'no hidden test'}")
        report.faults += [
            f"{where}: {name} computes what it expects from an object that it passed; pass a copy"
            for name in fooled
        ]
    elif isinstance(item, Variant) and item.kind == "mutant":
        report.mutants += 1
        alive = [name for name in item.caught_by if name not in failed]
        if alive or result.outcome == "not graded":
            report.lines.append(f"{where}: SURVIVED {', '.join(alive)}")
            report.faults += [f"{where}: survived {name}" for name in alive]
        elif all(failed[name].startswith("NameError") for name in item.caught_by):
            # It is no program, so what it is killed by is not the misconception that it names.
            report.lines.append(f"{where}: BROKEN, {failed[item.caught_by[0]]}")
            report.faults.append(f"{where}: uses a name that is not there, so it shows nothing")
        else:
            report.killed += 1
            also = sorted(set(failed) - set(item.caught_by))
            more = f" (also fails {', '.join(also)})" if also else ""
            report.lines.append(f"{where}: killed by {', '.join(item.caught_by)}{more}")
    else:
        report.rights += 1
        if failed or result.outcome != "complete":
            report.lines.append(f"{where}: LOST POINTS on {', '.join(failed) or result.status()}")
            report.faults += [f"{where}: {name}: {text}" for name, text in failed.items()]
            report.faults += [] if failed else [f"{where}: {result.status()}"]
        else:
            report.passed += 1
            report.lines.append(f"{where}: full marks")
