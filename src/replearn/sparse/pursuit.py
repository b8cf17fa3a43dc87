r"""Orthogonal matching pursuit: a greedy way to few atoms, for a count or an error that is given.

Where the lasso fixes a price, here it is said how many atoms a sample x (d,) may take, or how well
they must fit it::

    min ||x - D h||^2  with  ||h||_0 <= n_nonzero,   or   min ||h||_0  with  ||x - D h||^2 <= error

Both are NP-hard; the pursuit takes the atom with the largest cosine with the residual, fits x to
all atoms taken so far by least squares, and repeats. Coefficients are least squares ones, without
the lasso's bias towards 0.

It is computed on all samples at once, with an orthonormal basis of the chosen atoms built one
vector at a time (Gram-Schmidt); samples that are finished cost nothing more.

Sources: Pati, Rezaiifar and Krishnaprasad 1993, Orthogonal matching pursuit: recursive function
approximation with applications to wavelet decomposition, Asilomar Conference on Signals, Systems
and Computers; Tropp 2004, Greed is good: algorithmic results for sparse approximation, IEEE
Transactions on Information Theory 50(10), for when it finds the sparsest code; Mairal, Elad and
Sapiro 2008, Sparse representation for color image restoration, IEEE Transactions on Image
Processing 17(1), for the masked form.
"""

from __future__ import annotations

import torch
from torch import Tensor

from replearn._batches import slices
from replearn._scale import exponents, times_power
from replearn._validate import check_integer, check_matrix, check_tensor
from replearn.sparse.arguments import check_dictionary

__all__ = ["omp"]

_NUMBERS = 2**23  # in the bases of the samples that are worked on at a time


@torch.no_grad()
def omp(
    X: Tensor,
    D: Tensor,
    *,
    n_nonzero: int | None = None,
    error: float | Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Codes H (n, m) by orthogonal matching pursuit.

    A sample is finished when it has n_nonzero atoms, or its squared residual is at most error, or
    no atom that is left would lower it.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64.
    D : Tensor, (d, m)
        Dictionary; atoms are columns, of any length.
    n_nonzero : int, optional
        Largest number of atoms, 1 to d; None takes d.
    error : float or Tensor, (n,), optional
        Wanted ||x - D h||^2, at least 0; None takes 0.
    mask : Tensor, (n, d), of bool, optional
        Only coordinates where it is True count, in residuals and in the lengths of atoms; None
        takes all.

    Returns
    -------
    Tensor, (n, m)
        Of the dtype and on the device of X.

    Raises
    ------
    ValueError
        An argument does not fit, or both n_nonzero and error are missing.

    Examples
    --------
    >>> omp(torch.tensor([[3.0, 1.0]]), torch.eye(2), n_nonzero=1)
    tensor([[3., 0.]])
    """
    check_matrix("X", X)
    check_dictionary(D, X)
    n, d = X.shape
    if n_nonzero is None and error is None:
        raise ValueError("n_nonzero, error: got neither, want at least one of them")
    if n_nonzero is None:
        n_nonzero = d
    check_integer("n_nonzero", n_nonzero)
    if not 1 <= n_nonzero <= d:
        raise ValueError(f"n_nonzero: got {n_nonzero}, want 1 to d, which is {d}")
    refused = f"error: got {error!r}, want a number of at least 0 or ({n},) of them"
    if isinstance(error, Tensor) and (error.is_complex() or error.dtype == torch.bool):
        raise ValueError(refused)
    try:
        target = torch.as_tensor(0.0 if error is None else error, dtype=X.dtype, device=X.device)
    except (TypeError, ValueError, RuntimeError) as raw:  # texts, complex numbers, ragged lists
        raise ValueError(refused) from raw
    if tuple(target.shape) not in ((), (n,)) or not bool((target >= 0).all()):
        raise ValueError(refused)
    if mask is not None:
        check_tensor("mask", mask)
        if mask.device != X.device:
            raise ValueError(f"mask: got a tensor on {mask.device}, want {X.device}, where X lies")
    if mask is not None and (mask.dtype != torch.bool or mask.shape != X.shape):
        raise ValueError(
            f"mask: got {mask.dtype} of shape {tuple(mask.shape)}, want torch.bool of shape "
            f"{tuple(X.shape)}"
        )
    target = target.expand(n)
    most = min(n_nonzero, D.shape[1])
    H = X.new_zeros(n, D.shape[1])
    # In units in which no square overflows or vanishes, of samples and of atoms: powers of two.
    e, f = exponents(X, 1), exponents(D, 0)
    D = times_power(D, -f)
    goal = times_power(target.double(), -2 * e).clamp(max=torch.finfo(X.dtype).max).to(X.dtype)
    rows = max(1, _NUMBERS // (d * most))
    for part in slices(n, rows):
        seen = None if mask is None else mask[part].to(X.dtype)
        x = times_power(X[part], -e[part, None])
        _pursue(x, D, most, goal[part], seen, H[part])
    H = times_power(H, e[:, None] - f)
    if not bool(torch.isfinite(H).all()):
        raise ValueError(
            f"X, D: got samples so much longer than atoms that codes overflow {X.dtype}, want X "
            "and D of more similar size"
        )
    return H


def _pursue(
    X: Tensor, D: Tensor, most: int, target: Tensor, seen: Tensor | None, H: Tensor
) -> None:
    """Write the codes of X into H (n, m), which is 0; ``seen`` (n, d) is 1 where X counts."""
    n, d = X.shape
    # Cosines want atoms of length 1; a zero atom has correlation 0 whatever it is divided by.
    if seen is None:
        lengths = D.norm(dim=0).expand(n, -1)
    else:
        X = X * seen
        lengths = (seen @ D.square()).sqrt()
    floor = torch.finfo(X.dtype).eps * lengths.amax(1, keepdim=True)
    inverse = torch.where(lengths > floor, 1 / lengths, 0.0)
    least = 8 * torch.finfo(X.dtype).eps * X.norm(dim=1)  # correlations below are rounding
    active = torch.arange(n, device=X.device)
    R = X.clone()
    Q = X.new_zeros(n, 0, d)  # the basis, one vector more in each round
    T = X.new_zeros(n, 0, 0)  # chosen atoms in the basis: upper triangular
    c = X.new_zeros(n, 0)  # X in the basis
    chosen = torch.zeros(n, 0, dtype=torch.long, device=X.device)
    for k in range(most + 1):
        correlation = (R @ D) * inverse
        size, j = correlation.abs().max(1)
        done = (R.square().sum(1) <= target) | (size <= least)
        if k == most:
            done[:] = True
        if bool(done.any()):
            if k > 0:
                h = torch.linalg.solve_triangular(T[done], c[done, :, None], upper=True)
                H[active[done, None], chosen[done]] = h.squeeze(2)
            left = ~done
            active, R, Q, T, c, chosen, j, target, least = (
                values[left] for values in (active, R, Q, T, c, chosen, j, target, least)
            )
            inverse = inverse[left]
            seen = None if seen is None else seen[left]
        if len(active) == 0:
            return
        atom = D.T[j] if seen is None else D.T[j] * seen
        q, shares = atom, torch.zeros_like(c)
        for _ in range(2):  # once more, because atoms may be nearly dependent
            part = (Q @ q[:, :, None]).squeeze(2)
            shares = shares + part
            q = q - (part[:, None] @ Q).squeeze(1)
        length = q.norm(dim=1, keepdim=True)
        q = q / length
        inner = (q * R).sum(1, keepdim=True)
        R = R - inner * q
        T = torch.nn.functional.pad(T, (0, 1, 0, 1))
        T[:, :, k] = torch.cat([shares, length], 1)
        Q = torch.cat([Q, q[:, None]], 1)
        c = torch.cat([c, inner], 1)
        chosen = torch.cat([chosen, j[:, None]], 1)
