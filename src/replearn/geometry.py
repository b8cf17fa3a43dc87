r"""The geometry of a representation: Jacobians, tangent planes and reconstruction fields.

For a function f of rows, such as an encoder, with f(x) in R^k for x in R^d::

    J(x) = df/dx,   J_ij = df_i / dx_j                   (k, d)
    J(x) = U S V^T,   s_1 >= s_2 >= ... >= 0             singular value decomposition

A small step e from x moves the code by J e: the first columns of V, the right singular vectors of
the largest singular values, are the directions that the code is most sensitive to. Where a learnt
code keeps the position on a manifold and forgets all else, these span the manifold's tangent plane
at x (Rifai et al. 2011b). Local PCA estimates the same plane from neighbouring samples alone: the
first principal directions of the samples near x.

Planes are (n, d, dim): for each of n places an orthonormal basis, its columns. How far two are
apart is said by :func:`replearn.metrics.principal_angles`.

Sources: Rifai, Vincent, Muller, Glorot & Bengio (2011a), Contractive auto-encoders, ICML; Rifai,
Dauphin, Vincent, Bengio & Muller (2011b), The manifold tangent classifier, NIPS; Alain & Bengio
(2014), What regularized auto-encoders learn from the data-generating distribution, JMLR 15, for
the field.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from replearn._batches import by_rows, slices
from replearn._modes import evaluation
from replearn._validate import check_integer, check_matrix

__all__ = [
    "TangentPlanes",
    "jacobian",
    "local_pca",
    "reconstruction_field",
    "tangent_planes",
]

# Entries of Jacobians (of differences, of distances) worked on at a time: bounds the memory
# beyond the result to some multiple of 8 MB.
_ENTRIES = 2**21


@dataclass(frozen=True)
class TangentPlanes:
    """A plane at each of n places of R^d.

    Attributes
    ----------
    bases : Tensor, (n, d, dim)
        Orthonormal columns by decreasing singular value. The entry of largest absolute value in
        each column is positive, which fixes the sign.
    singular_values : Tensor, (n, r)
        All of them, descending. Where number ``dim`` is 0 or equals the next, the plane is not
        determined by the function or the samples.

    Examples
    --------
    >>> planes = tangent_planes(torch.square, torch.tensor([[1.0, 3.0]]), 1)
    >>> planes.bases.shape, planes.singular_values.shape
    (torch.Size([1, 2, 1]), torch.Size([1, 2]))
    """

    bases: Tensor
    singular_values: Tensor


def jacobian(function: Callable[[Tensor], Tensor], X: Tensor) -> Tensor:
    """The Jacobian of a function of rows at each row of X.

    By forward differentiation where the input is the narrower side (d passes), else by reverse
    differentiation (k passes). Samples are taken in groups, so that the memory beyond the result
    stays bounded. The result can itself be differentiated with respect to the function's
    parameters; call it under ``torch.no_grad()`` where that is not wanted.

    Parameters
    ----------
    function : callable
        From (n, d) to (n, k), each row of the output a function of that row of the input alone,
        made of torch's operations, without chance: a module with dropout must be in evaluation
        mode. ``model.encode``, or a whole model.
    X : Tensor, (n, d)
        Float32 or float64.

    Returns
    -------
    Tensor, (n, k, d)
        In units of the output per unit of X.

    Raises
    ------
    ValueError
        X is not a finite float (n, d) tensor, the output has another shape or no gradient, or the
        first row's output is another one beside other rows than alone.

    Examples
    --------
    >>> jacobian(torch.square, torch.tensor([[1.0, 3.0]])).detach()
    tensor([[[2., 0.],
             [0., 6.]]])
    """
    check_matrix("X", X)
    k = _width_of(function, X)
    d = X.shape[1]
    rows = max(1, _ENTRIES // (k * d))
    of_rows = _forward if d < k else _reverse
    return by_rows(lambda some: of_rows(function, some, k), X, rows)


def _forward(function: Callable[[Tensor], Tensor], X: Tensor, k: int) -> Tensor:
    def of_one(x: Tensor) -> Tensor:
        return function(x.unsqueeze(0)).squeeze(0)

    with warnings.catch_warnings():
        # torch's own, of what it loads for this.
        warnings.filterwarnings("ignore", ".*torch.jit.script.* is deprecated", DeprecationWarning)
        return cast(Tensor, torch.func.vmap(torch.func.jacfwd(of_one))(X))


def _reverse(function: Callable[[Tensor], Tensor], X: Tensor, k: int) -> Tensor:
    """One pass for each output, over all rows at once.

    As the rows are independent, the gradient of a sum over rows holds that of each row; for
    convolutions this takes a third of the time of torch's ``vmap(jacrev(...))``.
    """
    wanted = torch.is_grad_enabled()
    with torch.enable_grad():
        X = (X.clone() if X.is_inference() else X.detach()).requires_grad_()
        sums = function(X).sum(0)
        if not sums.requires_grad:
            raise ValueError("function: got an output without a gradient, want torch's operations")
        columns = [
            torch.autograd.grad(
                sums[j], X, retain_graph=True, create_graph=wanted, materialize_grads=True
            )[0]
            for j in range(k)
        ]
    return torch.stack(columns, 1)


@torch.no_grad()
def tangent_planes(encode: Callable[[Tensor], Tensor], X: Tensor, dim: int) -> TangentPlanes:
    """The first right singular vectors of an encoder's Jacobian at each row of X.

    Parameters
    ----------
    encode : callable
        From (n, d) to (n, m), as for :func:`jacobian`.
    X : Tensor, (n, d)
        Float32 or float64.
    dim : int
        Dimension of the planes, from 1 to min(m, d).

    Returns
    -------
    TangentPlanes
        With all min(m, d) singular values of each Jacobian.

    Raises
    ------
    ValueError
        As for :func:`jacobian`, or ``dim`` does not fit.

    Examples
    --------
    >>> planes = tangent_planes(torch.square, torch.tensor([[1.0, 3.0]]), 1)
    >>> planes.bases
    tensor([[[0.],
             [1.]]])
    >>> planes.singular_values
    tensor([[6., 2.]])
    """
    check_matrix("X", X)
    n, d = X.shape
    m = _width_of(encode, X)
    _check_dim(dim, min(m, d), f"for {m} codes of {d} coordinates")
    bases = X.new_empty(n, d, dim)
    values = X.new_empty(n, min(m, d))
    rows = max(1, _ENTRIES // (m * d))
    for part in slices(n, rows):
        _, values[part], Vh = torch.linalg.svd(jacobian(encode, X[part]), full_matrices=False)
        bases[part] = _with_signs(Vh[:, :dim].mT)
    return TangentPlanes(bases, values)


@torch.no_grad()
def local_pca(X: Tensor, at: Tensor, dim: int, neighbours: int) -> TangentPlanes:
    """The first principal directions of the samples nearest to each place.

    ::

        N_i = the ``neighbours`` rows of X nearest to row i of ``at``, minus their mean
        N_i / sqrt(neighbours) = U S V^T           plane: the first ``dim`` columns of V

    Parameters
    ----------
    X : Tensor, (n, d)
        Samples, float32 or float64.
    at : Tensor, (k, d)
        Places; one that is a sample counts among its own neighbours.
    dim : int
        Dimension of the planes, from 1 to min(neighbours - 1, d): centring costs a dimension.
    neighbours : int
        Samples a plane, at most n.

    Returns
    -------
    TangentPlanes
        For the k places. The singular values, min(neighbours, d) of them, are standard deviations
        of the neighbours in units of X.

    Raises
    ------
    ValueError
        An argument does not fit.

    Examples
    --------
    >>> line = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [9.0, 9.0]])
    >>> local_pca(line, line[:1], 1, neighbours=3).bases
    tensor([[[1.],
             [0.]]])
    """
    check_matrix("X", X)
    check_matrix("at", at, X.shape[1])
    if at.dtype != X.dtype:
        raise ValueError(f"at: got dtype {at.dtype}, want {X.dtype}, as X")
    check_integer("neighbours", neighbours)
    n, d = X.shape
    if not 2 <= neighbours <= n:
        raise ValueError(f"neighbours: got {neighbours}, want from 2 to the {n} samples of X")
    _check_dim(dim, min(neighbours - 1, d), f"for {neighbours} neighbours of {d} coordinates")
    bases = X.new_empty(len(at), d, dim)
    values = X.new_empty(len(at), min(neighbours, d))
    rows = max(1, _ENTRIES // max(n, neighbours * d))
    scale = _power_of_two(torch.maximum(X.abs().max(), at.abs().max()))
    X, at = X / scale, at / scale  # exact, and no square overflows
    for part in slices(len(at), rows):
        # By differences: ||x||^2 + ||y||^2 - 2 x^T y cancels where the samples lie far from 0.
        distances = torch.cdist(at[part], X, compute_mode="donot_use_mm_for_euclid_dist")
        near = distances.topk(neighbours, largest=False).indices
        N = X[near] - X[near[:, :1]]  # exact for neighbours, so that their mean is as well
        N = (N - N.mean(1, keepdim=True)) / neighbours**0.5
        _, s, Vh = torch.linalg.svd(N, full_matrices=False)
        values[part], bases[part] = s * scale, _with_signs(Vh[:, :dim].mT)
    return TangentPlanes(bases, values)


@torch.no_grad()
def reconstruction_field(model: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """``r(x) - x``: where a reconstruction moves each point.

    Of the best denoiser of Gaussian noise with standard deviation s it is s^2 times the gradient
    of the log-density of the noisy data.

    Parameters
    ----------
    model : callable
        From (n, d) to (n, d). A module is put into evaluation mode for the call.
    points : Tensor, (n, d)
        Float32 or float64.

    Returns
    -------
    Tensor, (n, d)
        In the units of ``points``.

    Raises
    ------
    ValueError
        ``points`` or the reconstruction has another shape.

    Examples
    --------
    >>> reconstruction_field(torch.zeros_like, torch.tensor([[1.0, -2.0]]))
    tensor([[-1.,  2.]])
    """
    check_matrix("points", points)
    with evaluation(model):
        moved = model(points)
    if not isinstance(moved, Tensor) or moved.shape != points.shape:
        got = tuple(moved.shape) if isinstance(moved, Tensor) else type(moved).__name__
        raise ValueError(f"model: got a reconstruction {got}, want {tuple(points.shape)}")
    return moved - points


@torch.no_grad()
def _width_of(function: Callable[[Tensor], Tensor], X: Tensor) -> int:
    """The width k of the function's output, from one row, which must not depend on others."""
    output = function(X[:1])
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[0] != 1:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(f"function: got output {got} for one row, want a tensor (1, k)")
    beside = function(X[[0, -1]])[:1]
    # Far above rounding, far below what dropout or the statistics of a batch change.
    if not torch.allclose(output, beside, rtol=1e-2, atol=1e-3 * float(output.abs().max())):
        raise ValueError(
            "function: got another output for a row alone than beside others, want rows "
            "independent and no chance: is a module with dropout in training mode?"
        )
    return output.shape[1]


def _power_of_two(largest: Tensor) -> Tensor:
    """The largest power of two up to a number from 0, or 1."""
    exponent = torch.frexp(largest).exponent - 1
    return torch.where(largest > 0, torch.ldexp(torch.ones_like(largest), exponent), 1.0)


def _check_dim(dim: int, most: int, where: str) -> None:
    check_integer("dim", dim)
    if not 1 <= dim <= most:
        raise ValueError(f"dim: got {dim} {where}, want from 1 to {most}")


def _with_signs(bases: Tensor) -> Tensor:
    """Each column with its entry of largest absolute value positive."""
    largest = bases.gather(1, bases.abs().argmax(1, keepdim=True))
    return torch.where(largest < 0, -bases, bases)
