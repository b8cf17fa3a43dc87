r"""The dictionary step: atoms for fixed codes.

With codes H (n, m) fixed, the objective depends on D through A = H^T H and B = H^T X only::

    sum_i 1/2 ||x_i - D h_i||^2 = 1/2 tr(D^T D A) - tr(D B) + const

As a function of one atom d_j it is A_jj/2 ||d_j||^2 - v_j . d_j + const with
v_j = B_j - sum_{k != j} A_jk d_k. On the unit sphere the first term is constant, so the exact
minimiser is v_j / ||v_j||; one atom after the other, the objective never increases (block
coordinate descent, Mairal, Bach, Ponce and Sapiro 2010, Algorithm 2, there on the unit ball with
the minimiser v_j / max(A_jj, ||v_j||)). The sphere loses nothing: an atom that grows lets its codes
shrink at the same product, which lowers the penalty, so the best dictionaries of the ball lie
on the sphere.

Among the atoms with no negative entry (``positive``) the minimiser is the one that maximises
v_j . d_j: with ``v+ = max(v_j, 0)``, that is v+ / ||v+||, because ``v_j . d <= v+ . d <= ||v+||``
for every such unit d, and it reaches both. Where v_j has no positive entry, the entries of a unit d
sum to at least 1, so that ``v_j . d <= max_i v_ji``: the axis of the largest entry reaches that.
(Where the largest is 0, so is the bound, and the atom stays.)

The lecture's step moves all atoms at once along the negative gradient and renormalises them
(``alternating_step``). Renormalising is the projection onto the product of unit spheres, so from
unit atoms and with a step of at most 1/lambda_max(H^T H / n) it minimises an upper bound that
touches the objective at D: it never increases it either. With a longer step it may: the spheres
are not convex, so 2/lambda_max is no bound here. From atoms of other lengths it may as well, as
the renormalisation alone can increase the objective.

References
----------
J. Mairal, F. Bach, J. Ponce and G. Sapiro, Journal of Machine Learning Research 11 (2010).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from replearn._gram import gram
from replearn._scale import exponent, float_times_power, times_power
from replearn._validate import check_integer, check_matrix, check_not_negative
from replearn.dictionary.atoms import normalise_atoms

__all__ = ["alternating_step", "update_atoms"]


@torch.no_grad()
def alternating_step(X: Tensor, D: Tensor, H: Tensor, step: float | None = None) -> Tensor:
    r"""The dictionary step of the lecture: a gradient step, then atoms brought back to unit length.

    D <- normalise(D + step (1/n) sum_i (x_i - D h_i) h_i^T), for the objective
    (1/n) sum_i 1/2 ||x_i - D h_i||^2 with the codes fixed.

    If the columns of D have unit length and step <= 1/lambda_max(H^T H / n), the objective does not
    increase. Otherwise it may.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data.
    D : Tensor, (d, m)
        Dictionary; atoms are columns.
    H : Tensor, (n, m)
        Codes.
    step : float, optional
        The learning rate; None takes 1/lambda_max(H^T H / n), or 0 if all codes are zero.

    Returns
    -------
    Tensor, (d, m)
        Unit columns (a column of zeros stays one).

    Raises
    ------
    ValueError
        Shapes or dtypes that do not fit, or a step that is negative or infinite.

    Examples
    --------
    >>> X, D, H = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0], [0.0]]), torch.ones(1, 1)
    >>> alternating_step(X, D, H)
    tensor([[0.],
            [1.]])
    """
    check_matrix("X", X)
    check_matrix("D", D)
    check_matrix("H", H, D.shape[1])
    if len(H) != len(X) or D.shape[0] != X.shape[1] or not X.dtype == D.dtype == H.dtype:
        raise ValueError(
            f"X, D, H: got {_describe(X)}, {_describe(D)} and {_describe(H)}, want (n, d), (d, m) "
            "and (n, m) of one dtype"
        )
    if step is not None:
        check_not_negative("step", step)
        if not math.isfinite(step):
            raise ValueError(f"step: got {step}, want a finite number")
    # In units in which no product leaves the range: X and H D^T in 2^k, H in 2^l.
    ell = exponent(H)
    k = max(exponent(X), ell + exponent(D))
    H = times_power(H, -ell)
    gradient = (times_power(H @ D.T, ell - k) - times_power(X, -k)).T @ H / len(X)
    if step is None:
        curvature = float(torch.linalg.eigvalsh(gram(H).double() / len(X))[-1])
        if not curvature > 0:
            return normalise_atoms(D)
        rate = float_times_power(1 / curvature, k - ell)
    else:
        rate = float_times_power(float(step), k + ell)
    # Only the direction counts: the larger of the two weights is 1.
    if rate > 1:
        return normalise_atoms(D / rate - gradient)
    return normalise_atoms(D - rate * gradient)


def update_atoms(
    atoms: Tensor, A: Tensor, B: Tensor, sweeps: int = 1, *, positive: bool = False
) -> Tensor:
    """Minimise over one unit atom at a time, ``sweeps`` times over all; returns a new tensor.

    Parameters
    ----------
    atoms : Tensor, (m, d)
        Unit rows: D^T. An atom that no code uses (A_jj = 0) stays as it is.
    A : Tensor, (m, m)
        H^T H.
    B : Tensor, (m, d)
        H^T X.
    sweeps : int
        How often over all atoms.
    positive : bool
        Minimise over atoms with no negative entry.

    Returns
    -------
    Tensor, (m, d)
        Unit rows. No gradient flows through.

    Raises
    ------
    ValueError
        Shapes, dtypes or devices that do not fit, values that are not finite, or ``sweeps`` is no
        integer.

    Examples
    --------
    >>> X, H = torch.tensor([[0.0, 2.0]]), torch.ones(1, 1)
    >>> update_atoms(torch.tensor([[1.0, 0.0]]), H.T @ H, H.T @ X)
    tensor([[0., 1.]])
    """
    for name, values in (("atoms", atoms), ("A", A), ("B", B)):
        check_matrix(name, values)
        if values.dtype != atoms.dtype or values.device != atoms.device:
            raise ValueError(
                f"{name}: got {values.dtype} on {values.device}, want {atoms.dtype} on "
                f"{atoms.device}, as atoms"
            )
    m, d = atoms.shape
    for name, values, shape in (("A", A, (m, m)), ("B", B, (m, d))):
        if tuple(values.shape) != shape:
            raise ValueError(f"{name}: got shape {tuple(values.shape)}, want {shape}, to fit atoms")
    check_integer("sweeps", sweeps)
    atoms = atoms.detach().clone(memory_format=torch.contiguous_format)
    A, B = A.detach(), B.detach()
    if atoms.device.type == "cpu":
        from replearn.dictionary.kernels import sweep  # here: it imports numba

        for _ in range(sweeps):
            sweep(atoms.numpy(), A.contiguous().numpy(), B.contiguous().numpy(), positive)
        return atoms
    used = (A.diagonal() > 0).tolist()
    for _ in range(sweeps):
        for j in range(len(atoms)):
            if used[j]:
                v = B[j] - A[j] @ atoms + A[j, j] * atoms[j]
                atoms[j] = _best_atom(v, atoms[j], positive)
    return atoms


def _best_atom(v: Tensor, atom: Tensor, positive: bool) -> Tensor:
    """The unit vector with the largest product with v (d,); ``atom`` where all have the same."""
    best = v.clamp(min=0) if positive else v
    largest = best.abs().max()
    best = best / torch.where(largest > 0, largest, 1.0)  # whose squares are numbers
    unit = torch.where(largest > 0, best / best.norm(), atom)
    if not positive:
        return unit
    axis = torch.zeros_like(v).index_fill_(0, v.argmax(), 1.0)
    return torch.where(v.max() < 0, axis, unit)


def _describe(X: Tensor) -> str:
    return f"{tuple(X.shape)} {X.dtype}"
