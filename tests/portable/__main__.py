"""``python -m tests.portable [ARITHMETIC ...]``: the numerical tests as other processors round.

Without names, under all arithmetics of this machine. ``--short`` runs the tests most sensitive to
rounding under the most different of them, ``--chapters`` the chapters' notebooks, whose checked
outputs are compared. What each run said is in _build/portable. Exit status 0 when all passed, 1
when a test failed, 2 for an unknown name. What this machine can't do is said and counted.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.book.notebooks.compare import nbval_command, offline
from tests.portable.arithmetics import ARITHMETICS, SHORT, Arithmetic

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "_build" / "portable"
# Where the numerical tests lie, and the ends of the names of those that the short form runs.
FOLDERS = ("tests/replearn", "tests/claims")
SENSITIVE = ("pca", "kernels", "solvers", "lasso", "saving", "patches")
_COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What a test run ended with. ``status`` is pytest's: 5 means that there was no test."""

    status: int
    counts: dict[str, int]
    failures: list[str]
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.portable",
        description="Run the numerical tests as other processors would round.",
        epilog="; ".join(f"{a.name}: {a.says}" for a in ARITHMETICS.values()),
    )
    parser.add_argument("arithmetic", nargs="*", help=f"any of: {', '.join(ARITHMETICS)}")
    parser.add_argument("--short", action="store_true", help="few tests, three arithmetics")
    parser.add_argument("--chapters", action="store_true", help="the chapters' checked outputs")
    parser.add_argument(
        "-n", type=int, default=2, metavar="N", help="arithmetics at a time (default: 2)"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.arithmetic if name not in ARITHMETICS]
    if unknown:
        print(f"error: unknown {unknown[0]}; want any of {', '.join(ARITHMETICS)}", file=sys.stderr)
        return 2
    names = options.arithmetic or (SHORT if options.short else ARITHMETICS)
    run = run_chapters if options.chapters else partial(run_tests, short=options.short)
    possible = [ARITHMETICS[name] for name in names if not ARITHMETICS[name].missing()]
    skipped = [name for name in names if ARITHMETICS[name].missing()]
    passed = 0
    print(f"{'arithmetic':12}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}", flush=True)
    with ThreadPoolExecutor(options.n) as pool:
        for arithmetic, outcome in zip(possible, pool.map(run, possible), strict=True):
            show(arithmetic.name, outcome)
            passed += outcome.status == 0
    for name in skipped:
        print(f"{name:12}not run: {ARITHMETICS[name].missing()}")
    print(f"{passed} of {len(possible)} arithmetics passed, {len(skipped)} not run")
    return 0 if 0 < passed == len(possible) else 1


def show(name: str, outcome: Outcome) -> None:
    """One line, and one for each failure."""
    counts = outcome.counts
    wrong = counts.get("failed", 0) + counts.get("error", 0)
    line = f"{name:12}{counts.get('passed', 0):8}{wrong:8}{counts.get('skipped', 0):8}"
    print(f"{line}{outcome.seconds:9.0f}", flush=True)
    for failure in outcome.failures:
        print(f"    {failure}", flush=True)
    if outcome.status != 0 and not outcome.failures:
        print(f"    pytest ended with status {outcome.status}; see {LOGS / name}", flush=True)


def run_tests(arithmetic: Arithmetic, *, short: bool) -> Outcome:
    """The numerical tests under an arithmetic."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
    paths = sensitive() if short else [ROOT / folder for folder in FOLDERS]
    command += ["-p", "no:xdist", *map(str, paths)]
    return _pytest(command, arithmetic, "tests.txt", {})


def sensitive() -> list[Path]:
    """The files of the short form."""
    files: list[Path] = []
    for word in SENSITIVE:
        found = [path for folder in FOLDERS for path in (ROOT / folder).rglob(f"test_*{word}.py")]
        if not found:
            raise FileNotFoundError(f"no test_*{word}.py in {', '.join(FOLDERS)}")
        files += found
    return files


def run_chapters(arithmetic: Arithmetic) -> Outcome:
    """The chapters' notebooks under an arithmetic, on the bundled data."""
    with tempfile.TemporaryDirectory() as data:
        chapters = sorted((ROOT / "lectures").glob("*.ipynb"))
        command = nbval_command(*chapters)
        return _pytest(command, arithmetic, "chapters.txt", offline(Path(data)))


def _pytest(command: list[str], arithmetic: Arithmetic, log: str, more: dict[str, str]) -> Outcome:
    folder = LOGS / arithmetic.name
    # A test run that starts this one tells so by variables that this run is not about.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    environment = inherited | arithmetic.environment(folder) | more
    started = time.perf_counter()
    with (folder / log).open("w") as file:  # a long run may be watched there
        status = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=file, stderr=file, check=False
        ).returncode
    said = (folder / log).read_text(errors="replace")
    last = said.strip().rpartition("\n")[2]
    return Outcome(
        status,
        {what: int(number) for number, what in _COUNT.findall(last)},
        _FAILED.findall(said),
        time.perf_counter() - started,
    )


if __name__ == "__main__":
    sys.exit(main())
