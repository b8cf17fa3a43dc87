"""Grades a class: intake, engine in parallel, one writer for results and gradebook."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

from tqdm import tqdm

from autograder.assignments.release import require_release, stub_answers
from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError, EngineError
from autograder.execution import fork_servers
from autograder.execution.engine import Engine
from autograder.hand_marked import HandMarked
from autograder.keys import Environment
from autograder.reports.counting import as_earned
from autograder.reports.gradebook import Book, Entry, in_step
from autograder.results import Rejected, Result, write_atomically
from autograder.submissions import placing
from autograder.submissions.intake import read_submission
from gradekit.notebook import Submission

Job = tuple[Submission, Assignment]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class ClassReport:
    """What grading a class did."""

    results: tuple[Result, ...]
    reused: frozenset[str]  # whose results were taken from the store, as nothing has changed
    gone: tuple[str, ...]  # who has a result but no folder under submitted/ any more


def default_workers() -> int:
    """One worker per core this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_jobs(
    engine: Engine, jobs: Sequence[Job], *, workers: int, label: str, quiet: bool = False
) -> Generator[tuple[Job, Result], None, None]:
    """Grade submissions in parallel, yielding each as it is done; no kernel outlives the caller."""

    def one(job: Job) -> Result:
        return _attempt(engine, *job)

    return in_parallel(engine, one, jobs, workers=workers, label=label, quiet=quiet)


def in_parallel(
    engine: Engine,
    do: Callable[[T], R],
    items: Sequence[T],
    *,
    workers: int,
    label: str,
    quiet: bool = False,
) -> Generator[tuple[T, R], None, None]:
    """Have an engine do something with each item, yielding each as it is done.

    What ends it early closes the engine, so that nothing goes on behind the caller's back.
    """
    if not items:
        return
    engine.open()
    pool = ThreadPoolExecutor(max_workers=max(1, min(workers, len(items))))
    try:
        pending: dict[Future[R], T] = {pool.submit(do, item): item for item in items}
        done = tqdm(as_completed(pending), total=len(items), desc=label, unit="", disable=quiet)
        for future in done:
            yield pending[future], future.result()
    except BaseException:
        engine.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _attempt(engine: Engine, submission: Submission, assignment: Assignment) -> Result:
    """Grade once, twice if the infrastructure failed; a second failure is reported, never a 0."""
    failed = Result(submission.student, assignment.name, "not graded", notes=submission.notes)
    try:
        try:
            return engine.grade(submission, assignment)
        except EngineError:
            return engine.grade(submission, assignment)
    except EngineError as error:
        return replace(failed, detail=str(error))
    except CourseError:
        raise  # it concerns everyone, and goes on as long as nobody mends it
    except Exception as error:  # a fault of the grader must not cost the rest of the class
        return replace(failed, detail=f"fault in the grader ({type(error).__name__}: {error})")


def grade_class(
    course: Course,
    assignment: Assignment,
    engine: Engine,
    *,
    workers: int,
    quiet: bool = False,
) -> ClassReport:
    """Grade every submission of an assignment that is not graded yet or has changed.

    The caller holds the course's lock (:func:`autograder.lock.only_writer`).
    """
    require_release(course, assignment)
    placing.finish(course)
    students = course.students(assignment.name)
    environment, version = Environment(), engine.version(assignment)
    stubs = stub_answers(assignment)
    with Book(course) as book, as_earned(book, course, assignment):
        _sweep(course, assignment.name)
        clerk = _Clerk(course, assignment, book, book.entries(assignment.name), stubs)
        results: list[Result] = []
        todo: dict[str, tuple[str, HandMarked]] = {}
        jobs: list[Job] = []
        reused: set[str] = set()
        for student in students:
            taken = read_submission(course, assignment, student)
            key = environment.key(taken, assignment, version)
            stored = course.results.load(assignment.name, student)
            if stored and stored[0] == key and clerk.has_notebook(stored[1]):
                clerk.file(stored[1], clerk.by_hand(taken), key=None)
                results.append(stored[1])
                reused.add(student)
            elif isinstance(taken, Rejected):
                result = Result(student, assignment.name, taken.outcome, taken.reason)
                clerk.file(result, None, key)
                results.append(result)
            else:
                by_hand = HandMarked(taken, assignment, stubs)
                todo[student] = (key, by_hand)
                taken = replace(taken, notes=(*taken.notes, *by_hand.notes()))
                jobs.append((taken, assignment))
        runs = run_jobs(engine, jobs, workers=workers, label=assignment.name, quiet=quiet)
        with closing(runs):  # what can't be filed ends the runs too
            for (submission, _), result in runs:
                key, by_hand = todo.pop(submission.student)
                result = replace(result, manual=by_hand.hashes())
                if result.outcome != "not graded":
                    clerk.file(result, by_hand, key)
                else:
                    course.results.save("", result)  # no key: the next run tries again
                results.append(result)
    results.sort(key=lambda result: result.student)
    gone = sorted(set(course.results.students(assignment.name)) - set(students))
    return ClassReport(tuple(results), frozenset(reused), tuple(gone))


@dataclass(frozen=True)
class _Clerk:
    """Files a result: executed notebook, gradebook, then the stored result, in this order.

    The stored result comes last, so that a run killed in between is simply repeated.
    """

    course: Course
    assignment: Assignment
    book: Book
    entries: dict[str, dict[str, Entry]]
    stubs: dict[str, str]

    def has_notebook(self, result: Result) -> bool:
        """Whether the executed notebook is there, for a result that has one."""
        path = self.course.notebook("autograded", self.assignment.name, result.student)
        return not result.tests or path.is_file()

    def by_hand(self, taken: Submission | Rejected) -> HandMarked | None:
        """What a person marks of it; None where there is nothing."""
        if isinstance(taken, Rejected):
            return None
        return HandMarked(taken, self.assignment, self.stubs)

    def file(self, result: Result, by_hand: HandMarked | None, key: str | None) -> None:
        """Bring gradebook and files in step with a result; key None: it is already stored."""
        student, name = result.student, self.assignment.name
        marks = self._marks(result, by_hand)
        changed: set[str] = set()
        if key is not None:
            before = self.course.results.load(name, student)
            old = before[1].manual if before else {}
            changed = {i for i, text in result.manual.items() if i in old and old[i] != text}
            path = self.course.notebook("autograded", name, student)
            if result.notebook:
                write_atomically(path, json.dumps(result.notebook, indent=1) + "\n")
            else:
                path.unlink(missing_ok=True)
        if changed or not in_step(self.entries.get(student), marks):
            self.book.record(student, name, marks, changed)
        if key is not None:
            self.course.results.save(key, result)

    def _marks(self, result: Result, by_hand: HandMarked | None) -> dict[str, float | None]:
        """Automatic mark of every graded cell; None: to be marked by hand."""
        marks: dict[str, float | None] = dict.fromkeys(self.assignment.points, 0.0)
        marks |= {test.grade_id: float(test.points) for test in result.tests}
        if by_hand is not None:
            marks |= dict.fromkeys(by_hand.awaiting(), None)
        return marks


def _sweep(course: Course, assignment: str) -> None:
    """Remove what a grader that was killed could not: half-written files, its sandbox's folder.

    The course is locked: no other grader writes there.
    """
    for folder in (
        course.root,
        course.results.folder / assignment,
        course.mutants / assignment,
        *(course.root / "autograded").glob(f"*/{assignment}"),
    ):
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
    fork_servers.sweep()
