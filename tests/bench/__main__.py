"""``python -m tests.bench [case ...]``: without names, all cases.

Exit status 0 when everything was measured, goals met or missed (the table says which); 1 when a
contender failed; 2 for an unknown case.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench.cases import all_cases
from tests.bench.run import ContenderFailed, measure, report


def main(arguments: list[str] | None = None) -> int:
    known = all_cases()
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Times the library against its peers; prints ratios, writes _build/bench.",
    )
    parser.add_argument("case", nargs="*", help=f"any of: {', '.join(known)} (default: all)")
    wanted = parser.parse_args(arguments).case or list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(
            f"error: unknown case {', '.join(unknown)}; want any of {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    missed = 0
    failed = False
    for name in wanted:
        try:
            result = report(known[name], measure(known[name]))
        except ContenderFailed as problem:
            print(f"error: {problem}", file=sys.stderr)
            failed = True
            continue
        missed += sum(not goal["met"] for goal in result["goals"])
    if missed:
        print(f"{missed} goal{'s' if missed > 1 else ''} missed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
