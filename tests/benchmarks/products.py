"""Which matrix products a function computes, and what they alone would take.

The products are recorded with their shapes and layouts and computed again by themselves, on numbers
that lie ready: the time this takes over the time of the function is its share of the peak that
matrix multiplication reaches for these very shapes on this machine.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_PLACE = {torch.ops.aten.mm: 0, torch.ops.aten.addmm: 1}  # of the left factor among the arguments
_Layout = tuple[tuple[int, ...], tuple[int, ...], torch.dtype, torch.device]


class Products(TorchDispatchMode):
    """Counts the products of two matrices computed while it is entered.

    seen: how often each pair of layouts came. flops: 2 n k m for (n, k) times (k, m), summed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[_Layout, _Layout]] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        place = _PLACE.get(func.overloadpacket)
        if place is not None:
            left, right = args[place], args[place + 1]
            self.seen[_layout(left), _layout(right)] += 1
        return func(*args, **(kwargs or {}))

    @property
    def flops(self) -> float:
        return float(
            sum(
                2 * left[0][0] * left[0][1] * right[0][1] * count
                for (left, right), count in self.seen.items()
            )
        )

    def replay(self) -> Callable[[], float]:
        """A function that computes the products once more and returns its seconds."""
        jobs = []
        for (left, right), count in self.seen.items():
            A, B = _like(left), _like(right)
            jobs.append((A, B, A @ B, count))

        def run() -> float:
            synchronise()
            start = time.perf_counter()
            for A, B, C, count in jobs:
                for _ in range(count):
                    torch.mm(A, B, out=C)
            synchronise()
            return time.perf_counter() - start

        return run


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _layout(matrix: Tensor) -> _Layout:
    return tuple(matrix.shape), matrix.stride(), matrix.dtype, matrix.device


def _like(layout: _Layout) -> Tensor:
    shape, stride, dtype, device = layout
    return torch.empty_strided(shape, stride, dtype=dtype, device=device).normal_()
