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
rounds work at a higher penalty, a share of the largest slope |q_j|, so that few become active
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

import numpy as np
import torch
from torch import Tensor

from replearn.sparse.arguments import Problem, ProgressCallback, check_problem
from replearn.sparse.codes import Codes
from replearn.sparse.lasso import rounding, slope_rounding, smallest_curvature

__all__ = ["coordinate_descent"]

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
    X : (n, d) data, float32 or float64, on the CPU; D : (d, m), atoms are columns.
    penalty : a number of at least 0, or a tensor (n,), one for each sample.
    tol : a sample is finished when its duality gap is at most ``tol`` times its objective.
    max_iter : at most so many rounds.
    H0 : (n, m), codes to start from; None starts from 0.
    nonnegative : whether codes must be >= 0.
    newton : whether to take Newton steps; without, coordinate descent alone.

    Returns
    -------
    Codes

    Raises
    ------
    ValueError : an argument does not fit, or lies on a GPU; the message names it.

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

    X, D, lam = problem.X, problem.D, problem.penalty.contiguous().numpy()
    n, m = len(X), D.shape[1]
    G = (D.T @ D).numpy()
    mu = smallest_curvature(D, problem.nonnegative) if (lam == 0).any() else 0.0
    eps = torch.finfo(X.dtype).eps
    noise, slack = rounding(D), slope_rounding(D)
    halt = np.zeros(1, dtype=np.bool_)
    outputs = [
        value.numpy() for value in (codes.iterations, codes.objective, codes.gap, codes.converged)
    ]
    H = codes.H.numpy()
    rows, chunk = max(1, _BLOCK // m), max(1, _CHUNK // m)
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, thread_name_prefix="replearn-sparse") as pool:
        try:
            for first in range(0, n, rows):
                block = X[first : first + rows]
                B = (block @ D).numpy()
                x2 = torch.linalg.vector_norm(block, dim=1, dtype=torch.float64).square().numpy()
                size = min(chunk, -(-len(block) // threads))
                tasks: set[Future[int]] = set()
                for start in range(0, len(block), size):
                    part = slice(start, min(len(block), start + size))
                    at = slice(first + part.start, first + part.stop)
                    tasks.add(
                        pool.submit(
                            _part,
                            kernels,
                            (B[part], x2[part], lam[at], G, H[at]),
                            (problem.H0 is not None, problem.nonnegative, bool(newton)),
                            (problem.tol, problem.max_iter, mu, eps, noise, slack, halt),
                            [output[at] for output in outputs],
                        )
                    )
                while tasks:
                    # A wait without end would not notice an interrupt on every system.
                    done, tasks = wait(tasks, timeout=0.1, return_when=FIRST_COMPLETED)
                    for task in done:
                        yield task.result()
        finally:  # interrupted: what has not begun is dropped, what runs stops after its round
            halt[0] = True
            pool.shutdown(cancel_futures=True)


def _part(kernels: object, data: tuple, how: tuple, until: tuple, outputs: list) -> int:  # type: ignore[type-arg]
    kernels.solve(*data, *how, *until, *outputs)  # type: ignore[attr-defined]
    return len(data[0])
