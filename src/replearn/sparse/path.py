r"""The homotopy of the lasso: the whole path of codes from the penalty at which they are 0.

As the penalty t falls, the code is piecewise linear. With A the atoms that have a code, s their
signs and ``q = D^T (x - D h)``, optimality holds q_A at t s, so that::

    h_A moves by w = G_AA^{-1} s,   and   q by -G_A w,     for each unit by which t falls

until a code reaches 0 and its atom leaves A, or the correlation |q_j| of another reaches t and it
joins. The Cholesky factor of G_AA is brought up to date at each of these events, by a row or by
Givens rotations, so that a step costs O(m |A|). There is no tolerance and no step size: the last
code is exact but for rounding, however much alike the atoms are. For atoms that are hardly alike
passes over many of them at once are cheaper (:mod:`replearn.sparse.coordinate`).

For data in float32 the slopes G_A w, which take most of the time, are computed in float32; they
only say which atom comes next. What they lead to is then computed afresh in float64, the codes
from the equations of A and the duality gap from all correlations. If a tie was decided wrongly,
rounds of coordinate descent mend it.

An atom that depends on those in A (a copy of one, say) is left out until one of them leaves: the
minimum is the same without it.

References
----------
M. Osborne, B. Presnell and B. Turlach, IMA Journal of Numerical Analysis 20 (2000), for the
homotopy; B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Annals of Statistics 32 (2004), for
least angle regression, whose lasso variant it is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem, ProgressCallback, check_problem
from replearn.sparse.codes import Codes, every, new_codes
from replearn.sparse.compiled import Exactly
from replearn.sparse.parallel import Halt, Task, run_in_threads
from replearn.sparse.scaling import scaled

__all__ = ["homotopy"]

_ROUNDS = 1000  # of coordinate descent, after the path


@torch.no_grad()
def homotopy(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    tol: float = 1e-4,
    max_iter: int | None = None,
    weights: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
) -> Codes:
    """Sparse codes by the homotopy on the CPU: see the module's text.

    The fastest solver on a CPU for dictionaries whose atoms are much alike, such as raw patches. It
    keeps D^T D, (m, m), in float32 and float64, and about twice as much again for each of
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
        A sample whose duality gap is more than ``tol`` times its objective at the end of its path,
        for a tie, is given rounds of coordinate descent.
    max_iter : int, optional
        At most so many steps and rounds for each sample; None allows 8 m steps and 1,000 rounds.
    weights : Tensor, (m,), optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
    nonnegative : bool
        Whether codes must be >= 0.

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
    >>> homotopy(X, D, 2.0).H
    tensor([[1., 0.]])
    """
    problem = check_problem(
        X,
        D,
        penalty,
        weights=weights,
        l2=l2,
        nonnegative=nonnegative,
        tol=tol,
        max_iter=max_iter,
    )
    return run(problem)


def run(problem: Problem, *, callback: ProgressCallback | None = None) -> Codes:
    """Solve a checked problem."""
    (codes,) = run_path(problem, problem.penalty[:, None], callback=callback)
    return codes


def run_path(
    problem: Problem, penalties: Tensor, *, callback: ProgressCallback | None = None
) -> list[Codes]:
    """Solve a checked problem at the penalties (n, p), none above the one before it."""
    if problem.H0 is not None:
        raise ValueError("H0: got codes, want None for the homotopy, which starts at the code 0")
    n, m, p = len(problem.X), problem.D.shape[1], penalties.shape[1]
    inner, scaling = scaled(problem)
    if scaling is not None:
        penalties = scaling.penalties(penalties)
    exactly = Exactly.of(inner, "homotopy")
    # Results of a sample lie side by side.
    flat = new_codes(inner, solver="homotopy", copies=p)
    run_in_threads(n, m, _tasks(exactly, penalties, flat), callback)
    exactly.unweight_(flat.H)
    found = [every(flat, p, e) for e in range(p)]
    return found if scaling is None else [scaling.unscaled(each, problem) for each in found]


def _tasks(exactly: Exactly, penalties: Tensor, codes: Codes) -> Callable[[slice], Task]:
    """Products by torch; what the threads do with them by compiled loops."""
    from replearn.sparse import kernels, path_kernels  # imports numba

    problem = exactly.problem
    p = penalties.shape[1]
    plain = exactly.weights is None and problem.X.dtype == torch.float32
    G = exactly.G.numpy()
    slopes = exactly.G.float().numpy() if plain else G
    falling = penalties.double().contiguous().numpy()
    most = path_kernels.MOST_STEPS * len(G) + _ROUNDS
    options = False, True, problem.tol, problem.iterations(most), kernels.SWEEPS_AT_END
    precision = exactly.precision(torch.float64)
    outputs = (codes.H, codes.iterations, codes.objective, codes.gap, codes.converged)

    def begin(part: slice) -> Task:
        block = problem.X[part].double()
        B = (block @ exactly.D).numpy()
        squares = block.square().sum(1).numpy()

        def task(some: slice, at: slice, halt: Halt) -> None:
            reduced = B[some], squares[some], falling[at], G, slopes, problem.nonnegative
            rows = slice(p * at.start, p * at.stop)
            results = tuple(output[rows].numpy() for output in outputs)
            path_kernels.solve(reduced, options, precision, halt, results)

        return task

    return begin
