"""Break each claim by the smallest amount and see its test fail: `make claims-mutants`.

A test that passes when the statement is changed does not test the statement. The changes stand in
`mutants/NN_topic.toml`, one file a chapter:

    [[mutant]]
    claim = "prop-pre-vanish"
    says = "The slope of a sigmoid is at most 0.24, not 1/4."
    replace = '("sigmoid", 0.25)'
    by = '("sigmoid", 0.24)'

`replace` occurs exactly once in `test_NN_topic.py`; `[[mutant.change]]` tables of `replace` and
`by` hold several changes. The claim's test is run with the change and must fail in an assertion:
any other error kills no mutant.

`python -m tests.claims.mutation [CHAPTER or LABEL ...]` runs all, or those that are named.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from tqdm import tqdm

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
AT_ONCE = 2
_KEYS = {"claim", "says", "replace", "by", "change"}


class MutantError(Exception):
    """A mutant that can't be made; the message says which and why."""


@dataclass(frozen=True)
class Mutant:
    """A changed statement: the claim, what is changed, and the whole changed test file."""

    claim: str
    says: str
    chapter: str
    test: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """Whether the test noticed."""

    mutant: Mutant
    killed: bool
    detail: str
    seconds: float


def read_mutants(chapter: str, text: str, source: str, tests: dict[str, str]) -> list[Mutant]:
    """The mutants of one chapter.

    `text` is the TOML, `source` the chapter's test file, `tests` its test functions by claim.
    """
    found = []
    for number, entry in enumerate(tomllib.loads(text).get("mutant", []), 1):
        where = f"mutants/{chapter}.toml, mutant {number} ({entry.get('claim', 'no claim')})"
        if unknown := sorted(set(entry) - _KEYS):
            raise MutantError(f"{where}: unknown key {unknown[0]}")
        for key in ("claim", "says"):
            if not isinstance(entry.get(key), str) or not entry[key].strip():
                raise MutantError(f"{where}: {key} is missing")
        if entry["claim"] not in tests:
            raise MutantError(f"{where}: no test of chapter {chapter} is marked with that claim")
        changes = [entry] if "replace" in entry else entry.get("change", [])
        if not changes or ("replace" in entry and "change" in entry):
            raise MutantError(f"{where}: wants either replace and by, or [[mutant.change]] tables")
        changed = source
        for change in changes:
            old, new = change.get("replace"), change.get("by")
            if not isinstance(old, str) or not isinstance(new, str) or old == new:
                raise MutantError(f"{where}: replace and by want two different texts")
            if (count := changed.count(old)) != 1:
                raise MutantError(
                    f"{where}: {old!r} occurs {count} times in the tests, want exactly once"
                )
            changed = changed.replace(old, new)
        found.append(Mutant(entry["claim"], entry["says"], chapter, tests[entry["claim"]], changed))
    return found


def all_mutants() -> list[Mutant]:
    """The mutants of every chapter, in order."""
    extension = str(ROOT / "book" / "_ext")
    if extension not in sys.path:
        sys.path.insert(0, extension)
    from replearn_book.claims import scan_tests

    names: dict[str, dict[str, str]] = {}
    for test in scan_tests(FOLDER):
        for label in test.labels:
            names.setdefault(test.path.stem.removeprefix("test_"), {})[label] = test.name
    found = []
    for path in sorted((FOLDER / "mutants").glob("*.toml")):
        tests = FOLDER / f"test_{path.stem}.py"
        if not tests.is_file():
            raise MutantError(f"mutants/{path.name}: there is no {tests.name}")
        source = tests.read_text(encoding="utf-8")
        text = path.read_text(encoding="utf-8")
        found += read_mutants(path.stem, text, source, names.get(path.stem, {}))
    return found


class _Failures:
    """A pytest plugin that keeps what failed, and how."""

    def __init__(self) -> None:
        self.raised: list[BaseException] = []
        self.passed = 0

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Keep the error of each phase of the test."""
        if call.excinfo is not None:
            self.raised.append(call.excinfo.value)
        elif call.when == "call":
            self.passed += 1


def _only_assertions(error: BaseException) -> bool:
    """Whether an error, or each of those that hypothesis found, is a failed assertion."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_only_assertions, error.exceptions))
    return isinstance(error, AssertionError)


def _pytest(folder: Path, *arguments: str | object) -> tuple[int, str]:
    """Status and output of pytest, run in this process: texts are arguments, others plugins."""
    options = ["-q", "-x", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder)]
    # The other plugins that are installed have no part in these tests and take time to start.
    unused = ("cacheprovider", "xdist", "nbval", "pytest_cov", "anyio", "timeout")
    options += [option for name in unused for option in ("-p", f"no:{name}")]
    options += ["--import-mode=importlib", "-p", "tests.claims.conftest"]
    options += [argument for argument in arguments if isinstance(argument, str)]
    plugins = [argument for argument in arguments if not isinstance(argument, str)]
    with redirect_stdout(StringIO()) as printed, redirect_stderr(printed):
        status = pytest.main(options, plugins=plugins)
    return int(status), printed.getvalue()


def run(mutant: Mutant) -> Outcome:
    """Run the claim's test with the change, in a folder of its own."""
    start = time.monotonic()
    failures = _Failures()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"test_{mutant.chapter}.py"
        path.write_text(mutant.source, encoding="utf-8")
        os.chdir(scratch)
        status, printed = _pytest(Path(scratch), f"{path}::{mutant.test}", failures)
        os.chdir(ROOT)
    seconds = time.monotonic() - start
    if failures.raised:
        error = failures.raised[0]
        first = (str(error).splitlines() or [""])[0]
        return Outcome(mutant, _only_assertions(error), f"{type(error).__name__}: {first}", seconds)
    detail = "survived" if failures.passed else f"no test ran (status {status})\n{printed[-2000:]}"
    return Outcome(mutant, False, detail, seconds)


def run_all(mutants: list[Mutant]) -> Iterator[Outcome]:
    """Run the mutants, each in a process of its own forked from one that has all modules loaded."""
    import torch
    from hypothesis import Phase, settings

    from tests.claims import measured

    # The same examples each time, since what kills a mutant must not depend on what is drawn; and
    # the first that fails is enough.
    settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
    )
    settings.load_profile("mutants")
    torch.set_num_threads(1)
    for claim in sorted({mutant.claim for mutant in mutants} & set(measured.TRAINED_ONCE)):
        measured.TRAINED_ONCE[claim]()
    originals = {FOLDER / f"test_{mutant.chapter}.py" for mutant in mutants}
    for path in sorted(path for path in originals if path.is_file()):
        _pytest(FOLDER, "--collect-only", str(path))  # imports what the tests import
        sys.modules.pop(path.stem, None)  # or a mutant, called the same, would not be read
    with multiprocessing.get_context("fork").Pool(AT_ONCE, maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(run, mutants)


def main() -> int:
    """Command line: 0 when every mutant is killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="chapters (09_pretraining) or labels of claims")
    names = set(parser.parse_args().names)
    try:
        mutants = all_mutants()
    except MutantError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if unknown := names - {m.chapter for m in mutants} - {m.claim for m in mutants}:
        print(f"error: no mutants of {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [m for m in mutants if not names or {m.chapter, m.claim} & names]
    start = time.monotonic()
    outcomes = []
    for outcome in tqdm(run_all(chosen), total=len(chosen), unit=""):
        outcomes.append(outcome)
        if not outcome.killed:
            mutant = outcome.mutant
            tqdm.write(
                f"NOT KILLED {mutant.chapter} {mutant.claim}: {mutant.says} [{outcome.detail}]"
            )
    killed = sum(outcome.killed for outcome in outcomes)
    claims = len({mutant.claim for mutant in chosen})
    print(
        f"claims: {killed} of {len(chosen)} mutants of {claims} claims killed "
        f"in {time.monotonic() - start:.0f} s"
    )
    seconds: Counter[str] = Counter()
    for outcome in outcomes:
        seconds[outcome.mutant.claim] += outcome.seconds
    for claim, spent in seconds.most_common(15):
        print(f"  {spent:5.1f} s  {claim}")
    return 0 if killed == len(chosen) and chosen else 1


if __name__ == "__main__":
    raise SystemExit(main())
