"""Times the implementations of a case, one process each, never two at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from book.experiments.provenance import cores, provenance
from tests.benchmarks.case import Case, Fact, Goal, Measured, Prepared
from tests.benchmarks.cases import all_cases, case_modules
from tests.benchmarks.quick import is_quick

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "_build" / "bench"
STORED = ROOT / "book" / "results" / "bench"
_POOLS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class ImplementationFailed(RuntimeError):
    """An implementation raised an exception or its process ended; the text has its traceback."""


@dataclass(frozen=True)
class Ready:
    """What an implementation's process says once it is set up."""

    facts: dict[str, Fact] = field(default_factory=dict)
    missed: str | None = None
    rounds: int | None = None


@dataclass
class Record:
    """What was measured of one implementation."""

    ready: Ready
    rounds: list[Measured] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        return [each.seconds for each in self.rounds]

    def facts(self, repeats: int) -> dict[str, Fact]:
        """Those of the set-up and those of the rounds: medians of numbers, the last of texts."""
        found = dict(self.ready.facts)
        for name in self.rounds[-1].facts if self.rounds else ():
            values = [each.facts[name] for each in self.rounds]
            numbers = [value for value in values if not isinstance(value, str)]
            found[name] = statistics.median(numbers) if numbers else values[-1]
        if len(self.rounds) < repeats:
            found["rounds"] = len(self.rounds)
        return found


@dataclass
class Measurement:
    """What was measured of a case; failed: the last line of what went wrong."""

    records: dict[str, Record] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def _serve(case: str, name: str, pipe: Connection) -> None:
    """In the implementation's process: set up, then one timing for each message."""
    try:
        prepared = all_cases()[case].implementations[name]()
        if not isinstance(prepared, Prepared):
            prepared = Prepared(prepared)
        pipe.send(Ready(prepared.facts, prepared.missed, prepared.rounds))
        while pipe.recv():
            start = time.perf_counter()
            value = prepared.timed()
            seconds = time.perf_counter() - start
            pipe.send(value if isinstance(value, Measured) else Measured(seconds))
            del value
    except EOFError:
        pass  # the harness has ended
    except Exception:
        pipe.send(traceback.format_exc())
    finally:
        _end_workers()


def _end_workers() -> None:
    """End the processes that joblib has started: they wait minutes for work, and ours for them."""
    if "joblib" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(kill_workers=True)


@contextmanager
def _all_cores() -> Iterator[None]:
    """Processes started inside have as many threads in each of their pools as there are cores.

    One thread where only the path is tried: what runs beside it would hold up the others.
    """
    before = {name: os.environ.get(name) for name in _POOLS}
    os.environ.update(dict.fromkeys(_POOLS, "1" if is_quick() else str(cores())))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# What most implementations import, which takes longer than all else they do on a small problem.
_PEERS = ("sklearn.linear_model", "sklearn.decomposition", "numba")


def _context() -> multiprocessing.context.SpawnContext | multiprocessing.context.ForkServerContext:
    """How processes are started: each anew, or, where only the path is tried, from a warm one."""
    if not is_quick() or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*case_modules(), *_PEERS])
    return context


def measure(case: Case) -> Measurement:
    """Seconds of each implementation, one for each round; they take turns within a round.

    Several OpenMP pools in one process disturb one another, hence the processes; they stay
    alive and wait between their turns, so that only one computes at a time. An implementation
    that no goal is about may fail: the others are measured without it.
    """
    print(f"{case.name}: {case.title} (median of {case.repeats} rounds)", flush=True)
    context = _context()
    pipes: dict[str, Connection] = {}
    processes = []
    found = Measurement()

    def answer_of(name: str) -> Any:
        try:
            return _receive(case, name, pipes[name])
        except ImplementationFailed as problem:
            if name in case.wanted():
                raise
            print(f"  {problem}", file=sys.stderr)
            found.failed[name] = str(problem).strip().splitlines()[-1]
            return None

    try:
        with _all_cores():
            for name in case.implementations:
                ours, theirs = context.Pipe()
                # No daemon: those may not start the processes that some peers work with.
                process = context.Process(target=_serve, args=(case.name, name, theirs))
                _progress(f"setting up: {name}")
                process.start()
                theirs.close()
                processes.append(process)
                pipes[name] = ours
                ready = answer_of(name)  # set up before the next one starts
                if ready is not None:
                    found.records[name] = Record(ready)
        for done in range(case.repeats):
            for name, record in found.records.items():
                most = record.ready.rounds
                if name in found.failed or (most is not None and done >= most):
                    continue
                _progress(f"round {done + 1}/{case.repeats}: {name}")
                pipes[name].send(True)
                measured = answer_of(name)
                if measured is not None:
                    record.rounds.append(measured)
        for name in found.failed:
            found.records.pop(name, None)
        for name in found.records:
            pipes[name].send(False)
    finally:
        _progress("")
        for pipe in pipes.values():
            pipe.close()
        for process in processes:
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()
    return found


def _progress(text: str) -> None:
    """One line on a terminal, overwritten; nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)


def _receive(case: Case, name: str, pipe: Connection) -> Any:
    try:
        answer = pipe.recv()
    except EOFError:
        raise ImplementationFailed(f"{case.name}: the process of {name} ended") from None
    if isinstance(answer, str):
        raise ImplementationFailed(f"{case.name}: {name} failed\n{answer}")
    return answer


def report(case: Case, found: Measurement) -> dict[str, Any]:
    """Print the ratios and whether the goals are met; write them with their provenance."""
    records = found.records
    seconds = {name: record.seconds for name, record in records.items()}
    facts = {name: record.facts(case.repeats) for name, record in records.items()}
    missed = {name: record.ready.missed for name, record in records.items() if record.ready.missed}
    first = next(iter(case.implementations))
    ratios = {name: ratio(times, seconds[first]) for name, times in seconds.items()}
    print(f"  time of each over that of {first}")
    width = max(map(len, ratios))
    for name, value in sorted(ratios.items(), key=lambda item: item[1]):
        print(f"    {name:<{width}}  {value:6.2f}{'  MISSED the target' * (name in missed)}")
    for name, why in missed.items():
        print(f"  {name} MISSED the target: {why}")
    for name, known in facts.items():
        for fact, known_value in known.items():
            text = known_value if isinstance(known_value, str) else f"{known_value:.4g}"
            print(f"  {name}: {fact}: {text}")
    goals = [_judge(goal, seconds, facts, missed) for goal in case.goals]
    for judged in goals:
        print(f"  {'met   ' if judged['met'] else 'MISSED'} {sentence(judged)}")
    result = {
        "case": case.name,
        "title": case.title,
        "reference": first,
        "ratios": ratios,
        "goals": goals,
        "missed": missed,
        "failed": found.failed,
        "facts": facts,
        "shown": list(case.shown),
        "absolute": case.absolute,
        "repeats": case.repeats,
        "seconds": seconds,
        **provenance(ROOT),
    }
    folder = RESULTS / "quick" if is_quick() else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    print(f"  written to {shown}", flush=True)
    return result


def _judge(
    goal: Any,
    seconds: dict[str, list[float]],
    facts: dict[str, dict[str, Fact]],
    missed: dict[str, str],
) -> dict[str, Any]:
    """The goal with what was measured. A miss of ours misses it; a miss of the peer's is a lower
    bound of its time, so the goal is met where that alone is enough."""
    if isinstance(goal, Goal):
        value: Any = ratio(seconds[goal.peer], seconds[goal.ours])
        met = value >= goal.at_least and goal.ours not in missed
        return {**vars(goal), "ratio": value, "met": met}
    value = facts[goal.ours].get(goal.fact)
    return {**vars(goal), "value": value, "met": goal.met(value) and goal.ours not in missed}


def sentence(goal: dict[str, Any]) -> str:
    """What was wanted and what came, in words."""
    if "ratio" in goal:
        return (
            f"{goal['ours']} is {goal['ratio']:.2f} times as fast as {goal['peer']} "
            f"(goal: at least {goal['at_least']:g})"
        )
    wanted = [
        f"{words} {goal[bound]:g}"
        for bound, words in (("at_least", "at least"), ("at_most", "at most"))
        if goal[bound] is not None
    ]
    value = goal["value"]
    got = f"{value:.3g}" if isinstance(value, int | float) else "not measured"
    return f"{goal['ours']}, {goal['fact']}: {got} (goal: {' and '.join(wanted)})"


def ratio(times: list[float], reference: list[float]) -> float:
    """Median over the rounds of the ratio within a round: what else the machine did slowed both.

    An implementation with fewer rounds has taken part in the first ones.
    """
    return statistics.median(a / b for a, b in zip(times, reference, strict=False))
