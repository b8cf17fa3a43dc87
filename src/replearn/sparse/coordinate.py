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
rounding errors don't add up, and the duality gap says whether another round is needed. In float32
that ends where rounding could have done to the gap what is left of it; a sample that needs more is
finished by rounds in float64, from the code it has. The first
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

from collections.abc import Callable

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem, ProgressCallback, check_problem
from replearn.sparse.codes import Codes, new_codes
from replearn.sparse.compiled import Exactly
from replearn.sparse.parallel import Halt, Task, run_in_threads
from replearn.sparse.scaling import scaled

__all__ = ["coordinate_descent"]


@torch.no_grad()
def coordinate_descent(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    H0: Tensor | None = None,
    weights: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
    newton: bool = True,
) -> Codes:
    """Sparse codes by coordinate descent on the CPU: see the module's text.

    The fastest solver on a CPU for dictionaries whose atoms are not much alike. It keeps D^T D,
    (m, m), in float32 and float64, and twice as much again for each of
    ``torch.get_num_threads()`` threads; the result does not depend on their number. The first call
    in a fresh environment compiles for some seconds.

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
    weights : Tensor, (m,), optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
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
        X,
        D,
        penalty,
        weights=weights,
        l2=l2,
        H0=H0,
        nonnegative=nonnegative,
        tol=tol,
        max_iter=max_iter,
    )
    return run(problem, newton=newton)


def run(
    problem: Problem, *, newton: bool = True, callback: ProgressCallback | None = None
) -> Codes:
    """Solve a checked problem."""
    given = problem
    problem, scaling = scaled(given)
    exactly = Exactly.of(problem, "coordinate descent")
    codes = new_codes(problem, solver="coordinate descent")
    if problem.H0 is not None:
        codes.H.copy_(exactly.weighted(problem.H0))
    n, m = codes.H.shape
    run_in_threads(n, m, _tasks(exactly, codes, newton), callback)
    exactly.unweight_(codes.H)
    return codes if scaling is None else scaling.unscaled(codes, given)


def _tasks(exactly: Exactly, codes: Codes, newton: bool) -> Callable[[slice], Task]:
    """Products by torch; what the threads do with them by compiled loops."""
    from replearn.sparse import kernels  # imports numba

    problem = exactly.problem
    warm, iterations = problem.H0 is not None, problem.iterations()
    # Weights may make atoms of any lengths, whose squares float32 does not hold.
    work = torch.float64 if exactly.weights is not None else problem.X.dtype
    D, G = exactly.D.to(work), exactly.G.to(work)
    penalty = problem.penalty.to(work).contiguous().numpy()
    G_work, D_exact, G_exact = G.numpy(), exactly.D.numpy(), exactly.G.numpy()
    options = warm, newton, problem.tol, iterations, kernels.SWEEPS
    precision, exact_precision = exactly.precision(work), exactly.precision(torch.float64)
    outputs = (codes.H, codes.iterations, codes.objective, codes.gap, codes.converged)

    def begin(part: slice) -> Task:
        block = problem.X[part]
        B = (block.to(work) @ D).numpy()
        squares = torch.linalg.vector_norm(block, dim=1, dtype=torch.float64).square().numpy()
        samples = block.contiguous().numpy()

        def task(some: slice, at: slice, halt: Halt) -> None:
            reduced = B[some], squares[some], penalty[at], G_work, problem.nonnegative
            exact = samples[some], D_exact, G_exact
            results = tuple(output[at].numpy() for output in outputs)
            kernels.solve(reduced, exact, options, precision, exact_precision, halt, results)

        return task

    return begin
