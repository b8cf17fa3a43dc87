"""Times the contenders of a case, one process each, never two at once."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
import traceback
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.bench.case import Case, Measured
from tests.bench.cases import all_cases

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "_build" / "bench"


class ContenderFailed(RuntimeError):
    """A contender raised an exception or its process ended; the text has its traceback."""


def _serve(case: str, name: str, pipe: Connection) -> None:
    """In the contender's process: set up, then one timing for each message."""
    try:
        timed = all_cases()[case].contenders[name]()
        pipe.send(None)
        while pipe.recv():
            start = time.perf_counter()
            value = timed()
            seconds = time.perf_counter() - start
            pipe.send(value if isinstance(value, Measured) else Measured(seconds))
    except Exception:
        pipe.send(traceback.format_exc())


def measure(case: Case) -> dict[str, list[Measured]]:
    """Seconds of each contender, one for each round; contenders take turns within a round.

    Several OpenMP pools in one process disturb one another, hence the processes; they stay
    alive and wait between their turns, so that only one computes at a time.
    """
    print(f"{case.name}: {case.title} (median of {case.repeats} rounds)", flush=True)
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    try:
        for name in case.contenders:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(case.name, name, theirs), daemon=True)
            _progress(f"setting up: {name}")
            process.start()
            theirs.close()
            processes.append(process)
            pipes[name] = ours
            _receive(case, name, ours)  # set up before the next one starts
        measured: dict[str, list[Measured]] = {name: [] for name in pipes}
        for done in range(case.repeats):
            for name, pipe in pipes.items():
                _progress(f"round {done + 1}/{case.repeats}: {name}")
                pipe.send(True)
                measured[name].append(_receive(case, name, pipe))
        for pipe in pipes.values():
            pipe.send(False)
    finally:
        _progress("")
        for pipe in pipes.values():
            pipe.close()
        for process in processes:
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()
    return measured


def _progress(text: str) -> None:
    """One line on a terminal, overwritten; nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)


def _receive(case: Case, name: str, pipe: Connection) -> Any:
    try:
        answer = pipe.recv()
    except EOFError:
        raise ContenderFailed(f"{case.name}: the process of {name} ended") from None
    if isinstance(answer, str):
        raise ContenderFailed(f"{case.name}: {name} failed\n{answer}")
    return answer


def report(case: Case, measured: dict[str, list[Measured]]) -> dict[str, Any]:
    """Print the ratios and whether the goals are met; write them with their provenance."""
    seconds = {name: [each.seconds for each in rounds] for name, rounds in measured.items()}
    facts = {name: rounds[-1].facts for name, rounds in measured.items()}
    first = next(iter(case.contenders))
    ratios = {name: ratio(times, seconds[first]) for name, times in seconds.items()}
    print(f"  time of each over that of {first}")
    width = max(map(len, ratios))
    for name, value in sorted(ratios.items(), key=lambda item: item[1]):
        print(f"    {name:<{width}}  {value:6.2f}")
    for name, known in facts.items():
        for fact, value in known.items():
            print(f"  {name}: {fact}: {value:.1f}")
    goals = []
    for goal in case.goals:
        value = ratio(seconds[goal.peer], seconds[goal.ours])
        met = value >= goal.at_least
        print(
            f"  {'met   ' if met else 'MISSED'} {goal.ours} is {value:.2f} times as fast as "
            f"{goal.peer} (goal: {goal.at_least:.2f})"
        )
        goals.append({**vars(goal), "ratio": value, "met": met})
    result = {
        "case": case.name,
        "title": case.title,
        "reference": first,
        "ratios": ratios,
        "goals": goals,
        "seconds": seconds,
        "facts": facts,
        **provenance(),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{case.name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"  written to {path.relative_to(ROOT)}")
    return result


def ratio(times: list[float], reference: list[float]) -> float:
    """Median over the rounds of the ratio within a round: what else the machine did slowed both."""
    return statistics.median(a / b for a, b in zip(times, reference, strict=True))


def provenance() -> dict[str, Any]:
    """Machine, versions, date and commit."""
    return {
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "load_1min": round(os.getloadavg()[0], 2),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "torch", "scikit-learn")},
        },
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
    }


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """The commit, with "-dirty" when files differ from it; None outside a repository."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
