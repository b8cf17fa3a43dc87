"""``python -m tests.load [PART ...] [--fresh]``: parts kills, weeks, class, answers.

Without names it runs all. It goes on where it was stopped, as long as grader, library and
assignments are the same. Exit status 0 when all is well, 1 when something is wrong, 2 for an
unknown part. ``--quick`` tries each part with a tiny assignment, to see that it works, and keeps
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from autograder.__main__ import main as autograder
from autograder.assignments.mutation_testing import check_tests
from autograder.assignments.source import Assignment, find_assignments
from autograder.course import Course
from autograder.execution.engine import SandboxEngine
from autograder.grading import default_workers
from autograder.results import ResultStore, write_atomically
from tests.load import fault_injection, killed_week
from tests.load import large_class as class_run
from tests.load.fault_injection import ROOT, Kill
from tests.load.killed_process import MOMENTS
from tests.load.killed_week import Week

PROGRESS = ROOT / "_build" / "load" / "progress.json"


@dataclass(frozen=True)
class Scale:
    """How much is tried.

    solutions : folder of the assignments. size : students of the class. growth : bytes that they
    may add to the grader and its warm processes; None: too few to tell.
    """

    solutions: Path
    kills: int
    size: int
    gradings: int
    growth: int | None


FULL = Scale(ROOT / "solutions", kills=30, size=200, gradings=20, growth=32 * 2**20)
QUICK = Scale(ROOT / "tests" / "autograder" / "fixtures", kills=1, size=24, gradings=2, growth=None)

Trial = Callable[[], list[str]]  # what went wrong, in words


def kills(scale: Scale) -> Iterator[tuple[str, Trial]]:
    """Half of them at random moments, half between two writes."""
    moments = [moment for moment in MOMENTS if moment != "never"]
    planned = [fault_injection.random_kill(seed) for seed in range(scale.kills // 2)]
    for number in range(scale.kills - len(planned)):
        moment = moments[number % len(moments)]
        turn = 2 if moment == "folder" else 1 + 5 * (number // len(moments)) + number % 5
        planned.append(Kill(moment, turn))

    with fault_injection.workspace() as folder:

        @cache
        def prepared() -> tuple[Course, dict[str, Any]]:
            course = fault_injection.prepare(folder / "base" / "course")
            return course, fault_injection.undisturbed(course, folder / "undisturbed")

        def trial(number: int, kill: Kill) -> list[str]:
            course, wanted = prepared()
            return fault_injection.trial(
                fault_injection.fresh(course, folder / str(number)), kill, wanted
            )

        for number, kill in enumerate(planned, start=1):
            yield f"kill {number}/{scale.kills}: {kill}", partial(trial, number, kill)


def weeks(scale: Scale) -> Iterator[tuple[str, Trial]]:
    """A week of a course that was marked by hand, killed at random moments of its commands."""
    with fault_injection.workspace() as folder:

        @cache
        def prepared() -> tuple[Week, float, dict[str, Any]]:
            week = killed_week.prepare(folder / "base")
            whole = killed_week.fresh(week, folder / "undisturbed")
            seconds, wrong = killed_week.live(whole)
            assert not wrong, wrong
            return week, seconds, killed_week.state(whole)

        def trial(seed: int) -> list[str]:
            week, seconds, wanted = prepared()
            copy = killed_week.fresh(week, folder / str(seed))
            wrong = killed_week.trial(copy, killed_week.moment(seed, seconds), wanted)
            killed_week.remove(copy)
            return wrong

        for seed in range(1, scale.kills + 1):
            yield f"a week killed at a random moment, {seed}/{scale.kills}", partial(trial, seed)


def whole_class(scale: Scale) -> Iterator[tuple[str, Trial]]:
    """One run over the demo class of the first assignment ten times over, and its memory."""

    def trial(name: str) -> list[str]:
        with fault_injection.workspace() as folder:
            course = Course(folder / "course")
            where = ["--course", str(course.root), "--assignments", name]
            for command in ("release", "demo"):
                assert autograder([command, *where, "--solutions", str(scale.solutions)]) == 0
            class_run.enlarge(course, name, scale.size)
            return _grade_watched(course, where, scale)

    name = find_assignments(scale.solutions)[0].name
    yield f"{scale.size} submissions of {name} in one run", partial(trial, name)


def _grade_watched(course: Course, where: list[str], scale: Scale) -> list[str]:
    options = [*where, "--solutions", str(scale.solutions), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder", "grade", *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said: list[bytes] = []
    assert process.stderr is not None
    echo = threading.Thread(target=_echo, args=(process.stderr, said))
    echo.start()
    memory = class_run.watch(process)
    echo.join()
    growth = memory.growth()
    print(f"  memory: {memory.summary()}; growth {growth / 2**20:.1f} MiB")
    wrong = [] if process.returncode == 0 else [f"it ended with {process.returncode}"]
    if scale.growth is not None and growth > scale.growth:
        wrong.append(f"the grader grew by {growth / 2**20:.0f} MiB")
    if not re.search(rf"\d+/{scale.size} \[\d+:\d+<\d+:\d+", b"".join(said).decode()):
        wrong.append("the progress bar showed no estimate")
    stored = sum(1 for _ in course.results.folder.glob("*/*.json"))
    if stored != scale.size:
        wrong.append(f"{stored} of {scale.size} results are stored")
    return wrong


def _echo(source: IO[bytes], said: list[bytes]) -> None:
    while data := os.read(source.fileno(), 4096):
        said.append(data)
        if sys.stderr.isatty():
            sys.stderr.buffer.write(data)
            sys.stderr.flush()


def answers(scale: Scale) -> Iterator[tuple[str, Trial]]:
    """Every mutant and every right answer, on other hidden inputs each time: the same marks."""

    def trial(assignment: Assignment) -> list[str]:
        with closing(SandboxEngine()) as engine, TemporaryDirectory() as folder:
            store = ResultStore(Path(folder))
            workers = default_workers()
            report = check_tests(
                [assignment], engine, store, workers=workers, gradings=scale.gradings, quiet=True
            )
        return report.faults

    for assignment in find_assignments(scale.solutions):
        title = f"all answers of {assignment.name}, {scale.gradings} gradings"
        yield title, partial(trial, assignment)


PARTS = {"kills": kills, "weeks": weeks, "class": whole_class, "answers": answers}


def version() -> str:
    """Hash of what a trial depends on: grader, library, assignments, and the trials themselves."""
    digest = sha256(f"{platform.python_version()} {metadata.version('torch')}".encode())
    for folder in ("src", "autograder", "solutions", "tests/load", "tests/autograder/fixtures"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _done(fresh: bool) -> list[str]:
    """Names of the trials that went well, unless something has changed since."""
    if fresh or not PROGRESS.is_file():
        return []
    stored = json.loads(PROGRESS.read_text(encoding="utf-8"))
    return list(stored["done"]) if stored["version"] == version() else []


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"any of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--fresh", action="store_true", help="forget what went well before")
    parser.add_argument("--quick", action="store_true", help="each part once, only to see it work")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.part if name not in PARTS]
    if unknown:
        print(f"error: unknown part {', '.join(unknown)}", file=sys.stderr)
        return 2
    scale = QUICK if options.quick else FULL
    now, done, wrong = version(), _done(options.fresh or options.quick), 0
    for part in options.part or PARTS:
        for title, trial in PARTS[part](scale):
            if title in done:
                print(f"{title}: done before")
                continue
            print(f"{title} ...", flush=True)
            began = time.monotonic()
            faults = trial()
            wrong += len(faults)
            for fault in faults:
                print(f"  WRONG {fault}")
            print(
                f"  {'wrong' if faults else 'well'}, {time.monotonic() - began:.0f} s", flush=True
            )
            if not faults and not options.quick:
                done.append(title)
                text = json.dumps({"version": now, "done": done}, indent=1)
                write_atomically(PROGRESS, text + "\n")
    print(f"{wrong} wrong" if wrong else "all is well")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on where it was")
