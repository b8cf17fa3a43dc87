"""``--quick``: the whole path on a small problem, to see that it works; its ratios say nothing."""

from __future__ import annotations

import os

_VARIABLE = "REPLEARN_BENCH_QUICK"  # the implementations' processes inherit it


def set_quick() -> None:
    os.environ[_VARIABLE] = "1"


def is_quick() -> bool:
    return os.environ.get(_VARIABLE) == "1"


def size(full: int, quick: int) -> int:
    """The size of a problem."""
    return quick if is_quick() else full
