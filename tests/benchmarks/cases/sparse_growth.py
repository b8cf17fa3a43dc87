"""Sparse codes of a stream: seconds a sample and memory as the number of samples grows.

Whitened photograph patches are drawn and coded chunk by chunk; what is kept of a chunk is its
objective. The times are those of 10,000 samples, so that their ratios are ratios per sample.
"""

from __future__ import annotations

import resource
import sys
import time
from functools import partial
from pathlib import Path

import torch

from replearn import sparse
from replearn.data import load_photographs
from tests.benchmarks import problems
from tests.benchmarks.case import Case, FactGoal, Measured, Prepared
from tests.benchmarks.quick import size

SIZES = (10_000, 100_000, 1_000_000)
CHUNK = size(10_000, 1_000)
TOL = 1e-4
_GROWN = "MiB by which the peak grew while coding"
_MIB = 2**20
_PER = 10_000


def peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would begin with what the parent process held
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def stream(n: int) -> Prepared:
    problem = problems.load("whitened")
    images = load_photographs().images
    patches = problems.patches_of("whitened", images)
    D = torch.from_numpy(problem.D)

    def code(count: int, seed: int) -> tuple[float, str]:
        X = patches.draw(images, count, seed)
        codes = sparse.sparse_codes(X, D, problem.penalty, tol=TOL)
        return float(codes.objective.double().sum()), codes.solver

    for seed in range(3):  # what a chunk needs is allocated
        code(CHUNK, 90 + seed)
    before = peak_memory()

    def timed() -> Measured:
        start = time.perf_counter()
        total, done, ran = 0.0, 0, ""
        while done < n:
            value, ran = code(min(CHUNK, n - done), 1000 + done // CHUNK)
            total += value
            done += min(CHUNK, n - done)
        seconds = time.perf_counter() - start
        peak = peak_memory()
        return Measured(
            seconds * _PER / n,
            {
                "ran": ran,
                "mean objective": total / n,
                "samples a second": n / seconds,
                "MiB at the peak": peak / _MIB,
                _GROWN: (peak - before) / _MIB,
            },
        )

    return Prepared(timed)


CASES = [
    Case(
        name="sparse-growth",
        title=f"Sparse codes of a stream in chunks of {CHUNK:,} patches, tol {TOL:g}, per sample",
        implementations={f"n = {n:,}": partial(stream, size(n, n // 10)) for n in SIZES},
        # A chunk's codes take 10 MiB; those of all samples would take a thousand.
        goals=[FactGoal(f"n = {SIZES[-1]:,}", _GROWN, at_most=32.0)],
        repeats=1,
        shown=("ran", "MiB at the peak", _GROWN),
    )
]
