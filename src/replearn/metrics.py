r"""Numbers that say how good a representation is.

Reconstruction (error, explained variance), the code itself (sparsity), the subspace it spans
(principal angles), and what a linear classifier makes of it (linear probe; Alain and Bengio 2017).

References
----------
A. Bjorck and G. H. Golub, Mathematics of Computation 27 (1973). G. Alain and Y. Bengio, ICLR
workshop (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from replearn._batches import slices
from replearn._validate import check_integer, check_matrix, check_tensor, check_values

__all__ = [
    "ProbeResult",
    "explained_variance",
    "linear_probe",
    "principal_angles",
    "reconstruction_error",
    "sparsity",
]


_ENTRIES = 2**20  # worked on at a time: bounds the memory beyond the arguments to 16 MB


@torch.no_grad()
def principal_angles(A: Tensor, B: Tensor) -> Tensor:
    r"""Angles between the subspaces that the columns of A and of B span.

    With orthonormal bases Q_A, Q_B the cosines are the singular values of Q_A^T Q_B and the sines
    those of (I - Q_A Q_A^T) Q_B. A cosine cannot tell angles below sqrt(eps) apart, a sine not
    those near a right angle; each angle is taken from the one that is accurate there (Bjorck and
    Golub 1973).

    Parameters
    ----------
    A : Tensor, (d, m) or (n, d, m)
        Linearly independent columns, not necessarily orthonormal. For the rows of PCA's
        ``components_`` pass ``components_.T``. With three dimensions one of n pairs, such as
        :class:`replearn.geometry.TangentPlanes`' bases.
    B : Tensor, (d, k) or (n, d, k)
        Likewise.

    Returns
    -------
    Tensor, (min(m, k),) or (n, min(m, k))
        Angles in radians, ascending, in [0, pi/2], in the dtype of A. They are computed in
        float64; float32 input limits them to about 1e-7.

    Raises
    ------
    ValueError
        Shapes that do not fit, or linearly dependent columns.

    Examples
    --------
    >>> A = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    >>> B = torch.tensor([[1.0], [0.0], [1.0]])
    >>> principal_angles(A, B)
    tensor([0.7854])
    """
    for name, tensor in (("A", A), ("B", B)):
        check_tensor(name, tensor)
        check_values(name, tensor)
    if A.ndim not in (2, 3) or A.ndim != B.ndim or A.shape[:-1] != B.shape[:-1]:
        raise ValueError(
            f"A, B: got shapes {tuple(A.shape)} and {tuple(B.shape)}, want (d, m) and (d, k) "
            "with the same d, or (n, d, m) and (n, d, k)"
        )
    Q, P = _orthonormal("A", A), _orthonormal("B", B)
    if Q.shape[-1] < P.shape[-1]:
        Q, P = P, Q
    overlap = Q.mT @ P
    cosines = torch.linalg.svdvals(overlap).clamp(max=1.0)
    sines = torch.linalg.svdvals(P - Q @ overlap).clamp(max=1.0).flip(-1)
    angles = torch.where(cosines.square() > 0.5, torch.asin(sines), torch.acos(cosines))
    return angles.to(A.dtype)


def _orthonormal(name: str, A: Tensor) -> Tensor:
    """Orthonormal basis (..., d, m), in float64, of the columns of A."""
    d, m = A.shape[-2:]
    if A.is_complex():
        raise ValueError(f"{name}: got dtype {A.dtype}, want a real one")
    floor = max(d, m) * torch.finfo(A.dtype if A.is_floating_point() else torch.float64).eps
    A = A.to(torch.float64)
    if 1 <= m <= d and bool(torch.isfinite(A).all()):
        tiny = torch.finfo(torch.float64).tiny
        A = A / A.abs().amax(-2, keepdim=True).clamp(min=tiny)  # no square overflows
        U: Tensor
        U, s, _ = torch.linalg.svd(A / A.norm(dim=-2, keepdim=True).clamp(min=tiny), False)
        if bool((s[..., -1] > floor * s[..., 0]).all()):
            return U
    raise ValueError(
        f"{name}: got shape {tuple(A.shape)} with zero, linearly dependent or non-finite columns, "
        "want linearly independent ones"
    )


@torch.no_grad()
def reconstruction_error(X: Tensor, X_hat: Tensor) -> float:
    """(1/n) sum_i ||x_i - x_hat_i||^2: a mean over samples of a sum over coordinates.

    Parameters
    ----------
    X : Tensor, (n, d)
        Samples.
    X_hat : Tensor, (n, d)
        Their reconstructions.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        The shapes differ or are not (n, d), or a value is not a finite float.

    Examples
    --------
    >>> reconstruction_error(torch.ones(5, 3), torch.zeros(5, 3))
    3.0
    """
    _check_pair(X, X_hat)
    return _squared_distance(X, X_hat) / len(X)


@torch.no_grad()
def explained_variance(X: Tensor, X_hat: Tensor) -> float:
    """1 - (reconstruction error of X_hat) / (reconstruction error of the mean).

    1 is perfect, 0 what the mean of X alone reaches, negative worse than that.

    Parameters
    ----------
    X : Tensor, (n, d)
        Samples.
    X_hat : Tensor, (n, d)
        Their reconstructions.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for :func:`reconstruction_error`, or X has no variance.

    Examples
    --------
    >>> X = torch.tensor([[0.0], [2.0]])
    >>> explained_variance(X, X + 0.5)
    0.75
    """
    error = reconstruction_error(X, X_hat)
    mean = X.mean(0, dtype=torch.float64)
    total = _squared_distance(X, mean.expand_as(X)) / len(X)
    if total == 0:
        raise ValueError("X: got equal rows, want some variance to explain")
    return 1.0 - error / total


@torch.no_grad()
def sparsity(H: Tensor) -> float:
    """Fraction of the entries that are exactly zero.

    Parameters
    ----------
    H : Tensor
        Codes, of any shape.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        H is empty or not finite.

    Examples
    --------
    >>> sparsity(torch.tensor([[0.0, 2.0], [0.0, 0.0]]))
    0.75
    """
    check_tensor("H", H)
    check_values("H", H)
    if H.numel() == 0:
        raise ValueError(f"H: got shape {tuple(H.shape)}, want at least one entry")
    if not torch.isfinite(H).all():
        raise ValueError("H: got NaN or infinite values, want finite codes")
    return 1.0 - int(torch.count_nonzero(H)) / H.numel()


@dataclass(frozen=True)
class ProbeResult:
    """Test accuracies of a linear probe, as fractions.

    Attributes
    ----------
    mean : float
        Mean over the draws of labelled samples.
    std : float
        Standard deviation over them, with their number minus 1 in the denominator; 0 for one.
    accuracies : tuple of float
        One for each draw.

    Examples
    --------
    >>> H, y = torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.tensor([0, 0, 1, 1])
    >>> linear_probe(H, y, H, y)
    ProbeResult(mean=1.0, std=0.0, accuracies=(1.0,))
    """

    mean: float
    std: float
    accuracies: tuple[float, ...]


def linear_probe(
    H: Tensor,
    y: Tensor,
    H_test: Tensor,
    y_test: Tensor,
    *,
    labels: int | None = None,
    repeats: int = 5,
    seed: int = 0,
) -> ProbeResult:
    """Test accuracy of multinomial logistic regression on codes, trained with few or all labels.

    Features are standardised by the mean and standard deviation of all n training codes, labelled
    or not (constant ones become 0): those of a few labelled codes would blow up a feature that is
    rarely active, such as an entry of a sparse code. The classifier is scikit-learn's with its
    default penalty (C = 1). Runs on the CPU, in float32 or float64 as the codes are.

    Parameters
    ----------
    H : Tensor, (n, m)
        Training codes. With ``labels``, those whose classes are not used count for the scale only.
    y : Tensor, (n,)
        Their classes, integers.
    H_test : Tensor, (n_test, m)
        Test codes.
    y_test : Tensor, (n_test,)
        Their classes.
    labels : int, optional
        Number of labelled training samples, drawn in the proportions of the classes; None uses
        all n, once.
    repeats : int
        Number of draws when ``labels`` is given.
    seed : int
        Seed of the draws: the same seed draws the same samples, whatever the codes.

    Returns
    -------
    ProbeResult

    Raises
    ------
    ValueError
        Shapes that do not fit, a number of labels or repeats out of range, fewer than two classes,
        classes that are not integers, or codes that are not finite.

    Examples
    --------
    >>> from replearn.data import load_digits
    >>> data = load_digits()
    >>> linear_probe(data.X, data.y, data.X_test, data.y_test, labels=100).mean > 0.8
    True
    """
    _check_codes_and_classes(H, y, H_test, y_test)
    train, test = _codes(H), _codes(H_test)
    classes, test_classes = (labels_.long().cpu().numpy() for labels_ in (y, y_test))
    _check_draws(classes, labels, repeats, seed)
    from sklearn.linear_model import LogisticRegression  # here: scikit-learn takes a second

    draws: list[NDArray[np.int64] | slice] = [slice(None)]
    if labels is not None:
        draws = [_stratified(classes, labels, seed + r) for r in range(repeats)]
    # In float64, in which no square of float32 overflows.
    mean, std = train.mean(0, np.float64), train.std(0, np.float64)
    scale = np.where(std > 1e-6 * (np.abs(mean) + std), std, np.inf)  # constant up to rounding
    test = (test - mean) / scale
    accuracies = []
    for rows in draws:
        model = LogisticRegression(max_iter=1000)
        model.fit(((train[rows] - mean) / scale).astype(train.dtype), classes[rows])
        accuracies.append(float(model.score(test, test_classes)))
    spread = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else 0.0
    return ProbeResult(float(np.mean(accuracies)), spread, tuple(accuracies))


def _check_codes_and_classes(H: Tensor, y: Tensor, H_test: Tensor, y_test: Tensor) -> None:
    for name, tensor in (("H", H), ("y", y), ("H_test", H_test), ("y_test", y_test)):
        check_tensor(name, tensor)
        check_values(name, tensor)
    if H.ndim != 2 or H_test.ndim != 2 or H.shape[1] != H_test.shape[1]:
        raise ValueError(
            f"H, H_test: got shapes {tuple(H.shape)} and {tuple(H_test.shape)}, want (n, m) and "
            "(n_test, m)"
        )
    if y.shape != H.shape[:1] or y_test.shape != H_test.shape[:1]:
        raise ValueError(
            f"y, y_test: got shapes {tuple(y.shape)} and {tuple(y_test.shape)}, want "
            f"({len(H)},) and ({len(H_test)},), one class for each row of the codes"
        )
    check_matrix("H", H)
    check_matrix("H_test", H_test)
    for name, targets in (("y", y), ("y_test", y_test)):
        if targets.is_complex():
            raise ValueError(f"{name}: got dtype {targets.dtype}, want integer classes")
        if not bool((targets % 1 == 0).all()) or bool((targets.double().abs() > 2**53).any()):
            raise ValueError(f"{name}: got values that are not integers, want integer classes")


def _check_draws(classes: NDArray[np.int64], labels: int | None, repeats: int, seed: int) -> None:
    found = len(np.unique(classes))
    if found < 2:
        raise ValueError(f"y: got {found} class, want at least two")
    for name, value in (("labels", labels), ("repeats", repeats), ("seed", seed)):
        if value is not None:
            check_integer(name, value)
    if labels is not None and not found <= labels <= len(classes):
        raise ValueError(
            f"labels: got {labels}, want from {found} (one a class) to {len(classes)} (all), "
            "or None"
        )
    if repeats < 1:
        raise ValueError(f"repeats: got {repeats}, want at least 1")


def _stratified(y: NDArray[np.int64], size: int, seed: int) -> NDArray[np.int64]:
    """Rows of a random sample with at least one row, and otherwise its share, of each class."""
    rng = np.random.default_rng(seed)
    _, members, counts = np.unique(y, return_inverse=True, return_counts=True)
    share = (size - len(counts)) * (counts - 1) / max(1, len(y) - len(counts))
    take = 1 + np.floor(share).astype(int)
    missing = size - take.sum()
    take[np.argsort(np.floor(share) - share, kind="stable")[:missing]] += 1
    order = rng.permutation(len(y))
    return np.concatenate([order[members[order] == c][:k] for c, k in enumerate(take)])


def _codes(H: Tensor) -> NDArray[np.float64]:
    codes: NDArray[np.float64] = H.detach().cpu().numpy()
    return codes


def _check_pair(X: Tensor, X_hat: Tensor) -> None:
    check_tensor("X", X)
    check_tensor("X_hat", X_hat)
    if X.ndim != 2 or X.shape != X_hat.shape or len(X) == 0:
        raise ValueError(
            f"X, X_hat: got shapes {tuple(X.shape)} and {tuple(X_hat.shape)}, want (n, d) for both"
        )
    check_matrix("X", X)
    check_matrix("X_hat", X_hat)


def _squared_distance(X: Tensor, Y: Tensor) -> float:
    """sum_ij (x_ij - y_ij)^2 in float64, in which no square of float32 overflows."""
    rows = max(1, _ENTRIES // X.shape[1])
    parts = [(X[part].double() - Y[part]).square().sum() for part in slices(len(X), rows)]
    return float(torch.stack(parts).sum())
