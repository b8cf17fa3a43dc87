"""PCA of data of MNIST's size against scikit-learn's solvers."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from replearn.pca import PCA
from tests.benchmarks.case import Case, Goal, Measured, Prepared
from tests.benchmarks.quick import size

N, SMALL = size(60_000, 3_000), size(6_000, 1_000)
D, COMPONENTS = 784, 30
PRODUCT = "share of its time that X^T X takes alone"


def _data(n: int = N) -> torch.Tensor:
    """Float32 with a spectrum that falls like that of MNIST: lambda_k about 1/k."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(D, D, generator=generator)).Q
    scales = torch.arange(1, D + 1).rsqrt()
    return (torch.randn(n, D, generator=generator) * scales) @ basis


def _ours(solver: str, n: int = N) -> Callable[[], object]:
    X = _data(n)
    PCA(COMPONENTS, svd_solver=solver).fit(X)
    return lambda: PCA(COMPONENTS, svd_solver=solver).fit(X)


def _scikit_learn(solver: str, n: int = N) -> Callable[[], object]:
    from sklearn.decomposition import PCA as Peer

    X = _data(n).numpy()
    Peer(COMPONENTS, svd_solver=solver, random_state=0).fit(X)
    return lambda: Peer(COMPONENTS, svd_solver=solver, random_state=0).fit(X)


def ours_covariance_eigh() -> Prepared:
    """And in each round the product X^T X by itself, which no method of this kind does without."""
    fit, A = _ours("covariance_eigh"), _data().numpy()

    def timed() -> Measured:
        start = time.perf_counter()
        fit()
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        A.T @ A
        return Measured(seconds, {PRODUCT: (time.perf_counter() - start) / seconds})

    return Prepared(timed)


def randomized() -> Callable[[], object]:
    return _ours("randomized")


def covariance_eigh() -> Callable[[], object]:
    return _scikit_learn("covariance_eigh")


def scikit_learn_randomized() -> Callable[[], object]:
    return _scikit_learn("randomized")


def ours_full() -> Callable[[], object]:
    return _ours("full", SMALL)


def scikit_learn_full() -> Callable[[], object]:
    return _scikit_learn("full", SMALL)


CASES = [
    Case(
        name="pca",
        title=f"PCA, {N:,} x {D}, float32, {COMPONENTS} components",
        implementations={
            "replearn covariance_eigh": ours_covariance_eigh,
            "replearn randomized": randomized,
            "scikit-learn covariance_eigh": covariance_eigh,
            "scikit-learn randomized": scikit_learn_randomized,
        },
        goals=[
            Goal("replearn covariance_eigh", "scikit-learn covariance_eigh", 1.0),
            Goal("replearn randomized", "scikit-learn randomized", 0.95),
        ],
        shown=(PRODUCT,),
    ),
    Case(
        name="pca-full",
        title=f"PCA by a full SVD, {SMALL:,} x {D}, float32",
        implementations={"replearn full": ours_full, "scikit-learn full": scikit_learn_full},
        goals=[Goal("replearn full", "scikit-learn full", 0.95)],
        repeats=3,
    ),
]
