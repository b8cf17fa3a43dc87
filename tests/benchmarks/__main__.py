"""``python -m tests.benchmarks [case ...]``: without names, all cases; a name may be a pattern.

``--store`` copies what was measured to book/results/bench, from which the book's page is made.
Exit status 0 when everything was measured, goals met or missed (the table says which); 1 when a
implementation failed; 2 for an unknown case.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from dataclasses import replace
from typing import Any

from tests.benchmarks.case import Case
from tests.benchmarks.cases import all_cases
from tests.benchmarks.quick import set_quick
from tests.benchmarks.run import ROOT, STORED, ImplementationFailed, Measurement, measure, report


def main(arguments: list[str] | None = None) -> int:
    known = all_cases()
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Times the library against its peers; prints ratios, writes _build/bench.",
    )
    parser.add_argument(
        "case", nargs="*", help=f"any of: {', '.join(known)}; patterns with * too (default: all)"
    )
    parser.add_argument("--store", action="store_true", help="keep the results for the book")
    parser.add_argument(
        "--quick", action="store_true", help="small problems, one round: only to see that it works"
    )
    options = parser.parse_args(arguments)
    if options.quick and options.store:
        print("error: --quick measures nothing worth storing; leave out --store", file=sys.stderr)
        return 2
    wanted: list[str] = []
    for pattern in options.case or ["*"]:
        found = fnmatch.filter(known, pattern)
        if not found:
            print(f"error: unknown case {pattern}; want any of {', '.join(known)}", file=sys.stderr)
            return 2
        wanted += [name for name in found if name not in wanted]
    if options.quick:
        set_quick()
        known = {name: replace(case, repeats=1) for name, case in known.items()}
    missed = 0
    failed = False
    for name in wanted:
        reason = known[name].unavailable()
        if reason is not None:
            print(f"{name}: skipped, {reason}")
            continue
        try:
            measurement = measure(known[name])
        except ImplementationFailed as problem:
            print(f"error: {problem}", file=sys.stderr)
            if options.store:
                print(f"error: {name} is not stored", file=sys.stderr)
            failed = True
            continue
        result = report(known[name], measurement)
        failed |= bool(measurement.failed)
        missed += sum(not goal["met"] for goal in result["goals"])
        if options.store:
            store(known[name], measurement, result)
    if missed:
        print(f"{missed} goal{'s' if missed > 1 else ''} missed")
    return 1 if failed else 0


def store(case: Case, measurement: Measurement, result: dict[str, Any]) -> None:
    """Write the result where the book finds it; only a whole measurement."""
    absent = sorted(case.wanted() - set(measurement.records))
    if absent:
        raise ImplementationFailed(f"{case.name} is not stored: not measured: {', '.join(absent)}")
    STORED.mkdir(parents=True, exist_ok=True)
    path = STORED / f"{case.name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"  stored in {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")


if __name__ == "__main__":
    sys.exit(main())
