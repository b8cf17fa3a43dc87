"""Proves the tests: mutants must fail where they should, right answers must get full marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from autograder.assignments.independence import functions_called
from autograder.assignments.promises import Promise, load_promises, unpromised
from autograder.assignments.release import stub_answers
from autograder.assignments.source import Assignment
from autograder.assignments.variants import Variant, load_variants
from autograder.errors import EngineError
from autograder.execution.engine import Engine
from autograder.grading import Job, in_parallel, run_jobs
from autograder.keys import Environment
from autograder.results import Result, ResultStore
from gradekit.notebook import Submission, question_of

Name = tuple[str, str]  # of an assignment, and of an answer to it
_SEEDS_NAMED = 10
_BATCH = 12  # mutants that share a process


@dataclass
class Report:
    """What came out; ``lines`` in the order of the files, ``faults`` what must be mended."""

    killed: int = 0
    mutants: int = 0
    passed: int = 0
    rights: int = 0
    promises: int = 0
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The counts in one line."""
        kept = f"; {self.promises} promises with a case and a mutant" if self.promises else ""
        return (
            f"killed {self.killed} of {self.mutants} mutants; "
            f"{self.passed} of {self.rights} right answers at full marks{kept}"
        )


@dataclass(frozen=True)
class _Plan:
    """One answer of ours, and what should become of it."""

    assignment: Assignment
    item: Variant | str
    submission: Submission

    @property
    def name(self) -> Name:
        """Under which its result is kept."""
        return self.assignment.name, self.submission.student


@dataclass(frozen=True)
class _Change:
    """What became of a test with another seed."""

    seed: int
    passed: bool
    message: str


def check_tests(
    assignments: Iterable[Assignment],
    engine: Engine,
    store: ResultStore,
    *,
    workers: int,
    gradings: int = 1,
    quiet: bool = False,
) -> Report:
    """Grade reference, right answers, stub and wrong answers of every assignment with one engine.

    The reference counts as a right answer, and the untouched stub must not score on any test. Of a
    mutant only the questions are judged whose tests must catch it, and it must fail the test of
    each promise that names it with the message of that case. A hidden test judges one function, and
    where an assignment has promises, each hidden test holds one of them.

    Parameters
    ----------
    assignments, engine, workers, quiet : as for grading a class.
    store : keeps the results; what has not changed since it was last graded comes from there.
    gradings : how often each answer is graded, each time on other inputs; the same code must get
        the same marks in all of them.
    """
    report = Report()
    promises: dict[str, list[Promise]] = {}
    plans: list[_Plan] = []
    for assignment in assignments:
        mutants = load_variants(assignment, "mutant")
        promises[assignment.name] = load_promises(assignment, mutants)
        _check_hidden(report, assignment, promises[assignment.name])
        answers = {"solution": assignment.answers, "stub": stub_answers(assignment)}
        for name, texts in answers.items():
            plans.append(_Plan(assignment, name, Submission(name, assignment.name, texts)))
        for variant in (*load_variants(assignment, "right"), *mutants):
            # "/" keeps a variant called stub apart from the stub
            submission = variant.submission(assignment, f"{variant.kind}/{variant.name}")
            # A mutant has to fail where it says; the tests of other questions would take minutes.
            asked = tuple(dict.fromkeys(question_of(name) for name in variant.caught_by))
            plans.append(_Plan(assignment, variant, replace(submission, only=asked)))
    results = _results(engine, plans, store, workers, quiet)
    for plan in plans:
        _judge(report, plan, results[plan.name], promises[plan.assignment.name])
    luck: dict[Name, dict[str, list[_Change]]] = {}
    for seed in range(1, gradings):
        again = dict(_graded_together(engine, plans, workers, seed, quiet))
        for plan in plans:
            changes = _changes(results[plan.name], again[plan.name], seed)
            for what, change in changes.items():
                luck.setdefault(plan.name, {}).setdefault(what, []).append(change)
    for (assignment_name, answer), found in luck.items():
        said = "; ".join(_said(what, changes, gradings) for what, changes in found.items())
        report.faults.append(f"{assignment_name} {answer}: {said}")
    if gradings > 1:
        report.lines.append(f"{len(plans)} answers graded {gradings} times")
    return report


def _check_hidden(report: Report, assignment: Assignment, promises: list[Promise]) -> None:
    """Each hidden test judges one function, and holds a promise where there are any."""
    report.promises += len(promises)
    names = {question.key: question.names for question in assignment.questions}
    for test in assignment.tests:
        called = functions_called(test.source, names[test.question])
        if test.hidden and len(called) > 1:
            report.faults.append(
                f"{assignment.name}: {test.grade_id} judges {', '.join(called)}; a right one "
                "beside a wrong one would lose its points, so write a test for each"
            )
    for name in unpromised(assignment, promises) if promises else []:
        report.faults.append(f"{assignment.name}: no promise names {name}")


def _results(
    engine: Engine, plans: list[_Plan], store: ResultStore, workers: int, quiet: bool
) -> dict[Name, Result]:
    """Results by assignment and name, stored ones first.

    Right answers are graded as students' are, mutants some together.
    """
    environment = Environment()
    results: dict[Name, Result] = {}
    alone: list[Job] = []
    together: list[_Plan] = []
    keys: dict[Name, str] = {}
    for plan in plans:
        version = engine.version(plan.assignment)
        keys[plan.name] = environment.key(plan.submission, plan.assignment, version)
        stored = store.load(*plan.name)
        if stored and stored[0] == keys[plan.name]:
            results[plan.name] = stored[1]
        elif isinstance(plan.item, Variant) and plan.item.kind == "mutant":
            together.append(plan)
        else:
            alone.append((plan.submission, plan.assignment))
    # Stored as they come: a run that is stopped goes on from there.
    for name, result in chain(
        _graded_together(engine, together, workers, 0, quiet),
        _graded_alone(engine, alone, workers, quiet),
    ):
        results[name] = result
        if result.outcome != "not graded":
            store.save(keys[name], result)
    return results


def _graded_alone(
    engine: Engine, jobs: list[Job], workers: int, quiet: bool
) -> Iterator[tuple[Name, Result]]:
    """Results of answers that are graded as a student's is."""
    for _, result in run_jobs(engine, jobs, workers=workers, label="right answers", quiet=quiet):
        yield (result.assignment, result.student), result


def _graded_together(
    engine: Engine, plans: list[_Plan], workers: int, seed: int, quiet: bool
) -> Iterator[tuple[Name, Result]]:
    """Results of answers that share processes, some of one question in each."""

    def grade(batch: list[_Plan]) -> list[Result]:
        return _grade_batch(engine, batch, seed)

    batches = list(_batches(plans))
    label = "questions' mutants" if seed == 0 else f"grading {seed + 1}"
    done = in_parallel(engine, grade, batches, workers=workers, label=label, quiet=quiet)
    for batch, found in done:
        yield from zip((plan.name for plan in batch), found, strict=True)


def _batches(plans: Sequence[_Plan]) -> Iterator[list[_Plan]]:
    """Plans of one assignment and question, a few at a time."""
    groups: dict[tuple[str, tuple[str, ...]], list[_Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.assignment.name, plan.submission.only), []).append(plan)
    for (_, only), group in groups.items():
        size = _BATCH if only else 1
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _grade_batch(engine: Engine, batch: list[_Plan], seed: int) -> list[Result]:
    """Grade once, twice if the infrastructure failed, as in a class."""
    submissions, assignment = [plan.submission for plan in batch], batch[0].assignment
    try:
        try:
            return engine.grade_together(submissions, assignment, seed=seed)
        except EngineError:
            return engine.grade_together(submissions, assignment, seed=seed)
    except EngineError as error:
        detail = str(error)
    return [Result(s.student, assignment.name, "not graded", detail) for s in submissions]


def _changes(first: Result, again: Result, seed: int) -> dict[str, _Change]:
    """By test, another verdict than the first grading's: the same code gets the same marks."""
    if again.outcome == "not graded":
        return {"": _Change(seed, passed=False, message=again.status())}
    before = {test.grade_id: test.passed for test in first.tests}
    return {
        test.grade_id: _Change(seed, test.passed, test.message)
        for test in again.tests
        if before.get(test.grade_id, test.passed) != test.passed
    }


def _said(test: str, changes: list[_Change], gradings: int) -> str:
    """In how many gradings a verdict was another one, and with which seeds."""
    seeds = [str(change.seed) for change in changes]
    listed = ", ".join(seeds[:_SEEDS_NAMED]) + (", ..." if len(seeds) > _SEEDS_NAMED else "")
    often = f"in {len(seeds)} of {gradings} gradings (seed{'s' * (len(seeds) > 1)} {listed})"
    if not test:
        return f"{changes[0].message} {often}"
    if changes[0].passed:
        return f"{test} fails with seed 0 and passes {often}"
    return f"{test} passes with seed 0 and fails {often}, first with {changes[0].message!r}"


def _judge(report: Report, plan: _Plan, result: Result, promises: list[Promise]) -> None:
    item, assignment = plan.item, plan.assignment
    where = f"{assignment.name} {result.student}"
    failed = {test.grade_id: test.message for test in result.tests if not test.passed}
    if result.outcome == "not graded":
        report.faults.append(f"{where}: {result.status()}")
        failed = {test.grade_id: "not graded" for test in assignment.tests}
    if item == "stub":
        scored = [test.grade_id for test in result.tests if test.passed]
        report.lines.append(f"{where}: scores on {len(scored)} of {len(result.tests)} tests")
        report.faults += [f"{where}: {name} passes on the untouched stub" for name in scored]
    elif isinstance(item, Variant) and item.kind == "mutant":
        report.mutants += 1
        _judge_mutant(report, where, item, result, failed)
        if result.outcome != "not graded":
            report.faults += _broken_promises(where, item, failed, promises)
    else:
        report.rights += 1
        if failed or result.outcome != "complete":
            report.lines.append(f"{where}: LOST POINTS on {', '.join(failed) or result.status()}")
            report.faults += [f"{where}: {name}: {text}" for name, text in failed.items()]
            report.faults += [] if failed else [f"{where}: {result.status()}"]
        else:
            report.passed += 1
            report.lines.append(f"{where}: full marks")


def _judge_mutant(
    report: Report, where: str, mutant: Variant, result: Result, failed: Mapping[str, str]
) -> None:
    alive = [name for name in mutant.caught_by if name not in failed]
    if alive or result.outcome == "not graded":
        report.lines.append(f"{where}: SURVIVED {', '.join(alive)}")
        report.faults += [f"{where}: survived {name}" for name in alive]
    elif all(failed[name].startswith("NameError") for name in mutant.caught_by):
        # It is no program, so what it is killed by is not the misconception that it names.
        report.lines.append(f"{where}: BROKEN, {failed[mutant.caught_by[0]]}")
        report.faults.append(f"{where}: uses a name that is not there, so it shows nothing")
    else:
        report.killed += 1
        also = sorted(set(failed) - set(mutant.caught_by))
        more = f" (also fails {', '.join(also)})" if also else ""
        report.lines.append(f"{where}: killed by {', '.join(mutant.caught_by)}{more}")


def _broken_promises(
    where: str, mutant: Variant, failed: Mapping[str, str], promises: list[Promise]
) -> Iterator[str]:
    """Cases that a promise gives the mutant to, and that are not what it fails by."""
    for promise in promises:
        message = failed.get(promise.test)
        if mutant.name in promise.mutants and message is not None and promise.case not in message:
            yield (
                f"{where}: fails {promise.test} with {message!r}, wanted the case {promise.case!r}"
            )
