r"""Coordinate descent on the Gram matrix, compiled for the CPU.

With ``G = D^T D`` and ``q = D^T x - G h`` the objective as a function of one code alone has its
minimum at (soft thresholding S)::

    h_j  <-  S(q_j + G_jj h_j, penalty) / G_jj,          q  <-  q - G[:, j] (change of h_j)

A sample works in rounds. Each takes the atoms that have a code, adds those that violate the
optimality conditions, and solves the problem on these few active atoms, for which q and G are
small enough to stay in the fastest memory: first by passes over them; and where passes are slow,
as for coherent dictionaries, by a Newton step: the signs fixed, the objective is quadratic on the
support S, its minimum solves ``G_SS h_S = (D^T x)_S - penalty sign(h_S)`` (Cholesky), and the step
goes towards it until the first code reaches 0. Then q is computed afresh for all atoms, so that
rounding errors don't add up, and the duality gap says whether another round is needed. The first
rounds work at a higher penalty, a share of the largest correlation |q_j|, so that few become active
that the solution does not need.

References
----------
J. Friedman, T. Hastie, H. Höfling and R. Tibshirani, Annals of Applied Statistics 1 (2007), for
coordinate descent; J. Friedman, T. Hastie and R. Tibshirani, Journal of Statistical Software 33
(2010), for active sets, falling penalties and the Gram matrix ("covariance updates"). H. Lee,
A. Battle, R. Raina and A. Ng, NIPS (2006), for the Newton step (feature-sign search).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from replearn._batches import slices
from replearn.sparse.arguments import Problem, ProgressCallback, check_problem
from replearn.sparse.codes import Codes
from replearn.sparse.lasso import correlation_rounding, rounding, smallest_curvature

__all__ = ["coordinate_descent"]

Array = NDArray[Any]

_BLOCK = 2**23  # codes whose X D is computed at a time: bounds the memory beyond X and H
_CHUNK = 2**15  # codes of a task: long enough to be worth one, short enough to share and to stop


@torch.no_grad()
def coordinate_descent(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    H0: Tensor | None = None,
    nonnegative: bool = False,
    newton: bool = True,
) -> Codes:
    """Sparse codes by coordinate descent on the CPU: see the module's text.

    The fastest solver on a CPU, and the one for coherent dictionaries and small tolerances. It
    keeps D^T D, (m, m), and as much again for each of ``torch.get_num_threads()`` threads; the
    result does not depend on their number. In float32 a gap below about 1e-6 of the objective is
    rounding: a sample that no longer improves is given up, with ``converged`` False. The first
    call in a fresh environment compiles for some seconds.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64, on the CPU.
    D : Tensor, (d, m)
        Dictionary, alike; atoms are columns.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor.
    tol : float
        A sample is finished when its duality gap is at most ``tol`` times its objective.
    max_iter : int
        At most so many rounds.
    H0 : Tensor, (n, m), optional
        Codes to start from; None starts from 0.
    nonnegative : bool
        Whether codes must be >= 0.
    newton : bool
        Whether to take Newton steps; without, coordinate descent alone.

    Returns
    -------
    Codes

    Raises
    ------
    ValueError
        An argument does not fit, or lies on a GPU; the message names it.

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> coordinate_descent(X, D, 2.0).H
    tensor([[1., 0.]])
    """
    problem = check_problem(
        X, D, penalty, H0=H0, nonnegative=nonnegative, tol=tol, max_iter=max_iter
    )
    return run(problem, newton=newton)


def run(
    problem: Problem, *, newton: bool = True, callback: ProgressCallback | None = None
) -> Codes:
    """Solve a checked problem."""
    X = problem.X
    if X.device.type != "cpu":
        raise ValueError(f"X: lies on {X.device}, want the cpu for coordinate descent")
    codes = Codes.empty(problem, solver="coordinate descent")
    if problem.H0 is not None:
        codes.H.copy_(problem.H0)
    finished = 0
    for count in _solve(problem, codes, newton):
        finished += count
        if callback is not None:
            callback(count)
    assert finished == len(X)
    return codes


def _solve(problem: Problem, codes: Codes, newton: bool) -> Iterator[int]:
    """Products in the main thread, by torch; the samples in threads, by compiled loops.

    Those do without Python's lock. Yields how many samples are finished, as they are.
    """
    from replearn.sparse import kernels  # imports numba

    X, D, penalty = problem.X, problem.D, problem.penalty.contiguous().numpy()
    n, m = len(X), D.shape[1]
    G = (D.T @ D).numpy()
    mu = smallest_curvature(D, problem.nonnegative) if (penalty == 0).any() else 0.0
    options = problem.H0 is not None, bool(newton), problem.tol, problem.max_iter
    precision = mu, torch.finfo(X.dtype).eps, rounding(D), correlation_rounding(D)
    outputs = (codes.H, codes.iterations, codes.objective, codes.gap, codes.converged)
    halt = np.zeros(1, dtype=np.bool_)
    rows, chunk = max(1, _BLOCK // m), max(1, _CHUNK // m)
    threads = torch.get_num_threads()

    def task(B: Array, x2: Array, at: slice) -> int:
        samples = (B, x2, penalty[at], G, problem.nonnegative)
        results = tuple(output[at].numpy() for output in outputs)
        kernels.solve(samples, options, precision, halt, results)
        return len(B)

    with ThreadPoolExecutor(threads, thread_name_prefix="replearn-sparse") as pool:
        try:
            for part in slices(n, rows):
                block = X[part]
                B = (block @ D).numpy()
                x2 = torch.linalg.vector_norm(block, dim=1, dtype=torch.float64).square().numpy()
                size = min(chunk, -(-len(block) // threads))
                tasks: set[Future[int]] = set()
                for some in slices(len(block), size):
                    at = slice(part.start + some.start, part.start + some.stop)
                    tasks.add(pool.submit(task, B[some], x2[some], at))
                while tasks:
                    # A wait without end would not notice an interrupt on every system.
                    done, tasks = wait(tasks, timeout=0.1, return_when=FIRST_COMPLETED)
                    for finished in done:
                        yield finished.result()
        finally:  # interrupted: what has not begun is dropped, what runs stops after its round
            halt[0] = True
            pool.shutdown(cancel_futures=True)
