"""Patches of an image: cut out every one, put them back by averaging the overlaps, whiten them.

The patches of an image (h, w) stand on a grid of places 0, stride, 2 stride, ... on each axis;
where the last of these does not reach the border, one more does, flush with the edge, so that every
pixel is covered whatever the stride (which is at most the size of a patch).

Cutting is a linear map R from images to patches, and R^T adds patches up where they overlap.
``assemble`` is (R^T R)^{-1} R^T, the least squares image for given patches; R^T R is diagonal and
counts the patches over each pixel.

Source: Elad and Aharon 2006, Image denoising via sparse and redundant representations over learned
dictionaries, IEEE Transactions on Image Processing 15(12), eq. 9; Bell and Sejnowski 1997, The
"independent components" of natural scenes are edge filters, Vision Research 37(23), for ZCA.
"""

from __future__ import annotations

from typing import Any

import torch
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from torch import Tensor

from replearn._estimator import Data, Estimator
from replearn._gram import MEAN_ERROR, scatter
from replearn._scale import exponent, float_times_power, times_power
from replearn._validate import (
    check_integer,
    check_matrix,
    check_not_negative,
    check_range,
    check_tensor,
)


def all_patches(image: Tensor, size: int, stride: int = 1) -> Tensor:
    """Every patch of ``size`` x ``size`` pixels on the grid of this module, one per row.

    Parameters
    ----------
    image : Tensor, (h, w)
        h, w >= size.
    size : int
        Side of a patch in pixels.
    stride : int
        Distance of neighbours in pixels, 1 to size.

    Returns
    -------
    Tensor, (k, size * size)
        Places in reading order, rows of a patch one after the other; a copy.

    Raises
    ------
    ValueError
        ``image`` is not a finite float (h, w) tensor that holds a patch, or size or stride is
        below 1, or stride above size.

    Examples
    --------
    >>> all_patches(torch.arange(6.0).reshape(2, 3), size=2)
    tensor([[0., 1., 3., 4.],
            [1., 2., 4., 5.]])
    """
    check_image("image", image)
    rows, columns = grid((image.shape[0], image.shape[1]), size, stride)
    return cut(image, rows, columns, size)


def assemble(
    patches: Tensor,
    shape: tuple[int, int],
    size: int,
    stride: int = 1,
    weights: Tensor | None = None,
) -> Tensor:
    """The image whose pixels are the (weighted) averages of the patches that cover them.

    ``assemble(all_patches(I, s), I.shape, s)`` is I, to rounding, for every size and stride.

    Parameters
    ----------
    patches : Tensor, (k, size * size)
        As :func:`all_patches` returns them.
    shape : (int, int)
        (h, w) of the image.
    size : int
        As for :func:`all_patches`.
    stride : int
        As for :func:`all_patches`.
    weights : Tensor, (k,), optional
        One for each patch, or (k, size * size); at least 0, and not all 0 over any pixel. None: all
        equal.

    Returns
    -------
    Tensor, (h, w)

    Raises
    ------
    ValueError
        The number or the width of the patches does not fit shape, size and stride, or weights have
        another shape, are negative, or leave a pixel without weight.

    Examples
    --------
    >>> image = torch.arange(6.0).reshape(2, 3)
    >>> torch.equal(assemble(all_patches(image, 2), (2, 3), 2), image)
    True
    """
    rows, columns = grid(shape, size, stride)
    k = len(rows) * len(columns)
    check_matrix("patches", patches)
    if tuple(patches.shape) != (k, size * size):
        raise ValueError(
            f"patches: got shape {tuple(patches.shape)}, want ({k}, {size * size}) for an image of "
            f"shape {tuple(shape)}, size {size} and stride {stride}"
        )
    if weights is None:
        weights = torch.ones((), dtype=patches.dtype, device=patches.device)
    else:
        check_tensor("weights", weights)
        if tuple(weights.shape) not in ((k,), (k, size * size)):
            raise ValueError(
                f"weights: got shape {tuple(weights.shape)}, want ({k},) or ({k}, {size * size})"
            )
        if not bool((weights >= 0).all()):
            raise ValueError("weights: got negative or NaN ones, want all at least 0")
        weights = weights.reshape(k, -1).to(patches.dtype)
    total = patches.new_zeros(shape)
    weight = patches.new_zeros(shape)
    add_patches(total, patches * weights, rows, columns, size)
    add_patches(weight, weights.expand(k, size * size), rows, columns, size)
    if not bool((weight > 0).all()):
        raise ValueError("weights: got weight 0 in all patches over a pixel, want one above 0")
    return total / weight


def remove_mean(P: Tensor) -> tuple[Tensor, Tensor]:
    """The patches (k, d) without their means, and the means (k,).

    Parameters
    ----------
    P : Tensor, (k, d)
        Patches.

    Returns
    -------
    centred : Tensor, (k, d)
    means : Tensor, (k,)

    Raises
    ------
    ValueError
        P is not a finite float matrix.

    Examples
    --------
    >>> remove_mean(torch.tensor([[1.0, 3.0]]))
    (tensor([[-1.,  1.]]), tensor([2.]))
    """
    check_matrix("P", P)
    means = P.mean(1)
    return P - means[:, None], means


class PatchWhitener(OneToOneFeatureMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    r"""ZCA whitening: of the maps that make the coordinates uncorrelated, the one nearest to I.

    With C = V diag(lambda) V^T the covariance (1/n) Pc^T Pc of the patches::

        transform(P) = (P - mu) V diag(max(lambda, floor))^{-1/2} V^T

    The floor keeps directions in which patches hardly vary, noise for the most part, from being
    blown up: below it, variances after the transform are lambda / floor instead of 1.

    Parameters
    ----------
    epsilon : float
        The floor, as a share of the largest eigenvalue.

    Attributes
    ----------
    mean_ : Tensor or array, (d,)
        Mean of the patches. This and the two maps are tensors after a tensor was fitted, otherwise
        arrays.
    whitening_ : Tensor or array, (d, d)
        The map of ``transform``, symmetric.
    unwhitening_ : Tensor or array, (d, d)
        Its inverse.
    floor_ : float
        The floor, in squared units of P; with ``epsilon`` 0 what rounding leaves of zero.
    n_features_in_ : int
        Dimension d of the patches.
    feature_names_in_ : array, (d,)
        Names of the columns, after a DataFrame was fitted.

    Raises
    ------
    ValueError
        ``epsilon`` is negative, P is not a finite float (n, d) matrix, does not vary, or varies so
        much that its variance leaves the range of float64, or a method is called before ``fit``
        (scikit-learn's NotFittedError).

    Examples
    --------
    >>> P = torch.tensor([[1.0, 1.0], [3.0, 3.5], [-2.0, -2.0], [0.0, 1.0]])
    >>> Z = PatchWhitener(epsilon=0).fit_transform(P)
    >>> torch.allclose(Z.T @ Z / 4, torch.eye(2), atol=1e-4)
    True
    """

    mean_: Any
    whitening_: Any
    unwhitening_: Any
    floor_: float

    def __init__(self, epsilon: float = 1e-3) -> None:
        self.epsilon = epsilon

    @torch.no_grad()
    def fit(self, X: Data, y: object = None) -> PatchWhitener:
        """Learn mean and covariance.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Patches, at least two, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        PatchWhitener
            This object.

        Raises
        ------
        ValueError
            X or ``epsilon`` does not fit, or the patches are all the same.
        """
        check_not_negative("epsilon", self.epsilon)
        P = self._training_data(X, at_least=2)
        k = exponent(P)
        P = times_power(P, -k)  # so that no square leaves the range
        mean = P.mean(0)
        values, V = torch.linalg.eigh(scatter(P, mean) / len(P))
        eps, offset = torch.finfo(P.dtype).eps, float(mean.abs().max())
        # What is left of equal patches when their mean, a rounded sum, is subtracted.
        if float(values[-1]) <= P.shape[1] * (MEAN_ERROR * eps * offset) ** 2:
            raise ValueError("X: got patches that are all the same, want some that differ")
        # Also with epsilon 0 nothing is divided by what is rounding noise.
        least = eps * P.shape[1]
        floor = max(float(self.epsilon), least) * float(values[-1])
        self.floor_ = float_times_power(floor, 2 * k)
        if not 0 < self.floor_ < torch.inf:
            raise ValueError(
                f"X: got values of about 2^{k}, whose variance leaves the range of float64, want "
                "other units"
            )
        scale = values.clamp(min=floor).sqrt()
        whitening, unwhitening = ((V * factor) @ V.T for factor in (1 / scale, scale))
        whitening = times_power(whitening, -k).to(P.dtype)
        check_range("X", whitening, "whitening maps")
        self._keep(
            X,
            mean_=times_power(mean, k),
            whitening_=whitening,
            unwhitening_=times_power(unwhitening, k).to(P.dtype),
        )
        return self

    def transform(self, X: Data) -> Any:
        """Whitened patches. Gradients flow through.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Patches; a tensor must have the dtype and device of those of ``fit``.

        Returns
        -------
        Tensor or array, (n, d)

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        mean = self._kept("mean_")
        return self._in_kind((self._new_data(X, mean) - mean) @ self._kept("whitening_"), X)

    def inverse_transform(self, Z: Data) -> Any:
        """Patches from whitened ones.

        Parameters
        ----------
        Z : Tensor or array-like, (n, d)
            Whitened patches.

        Returns
        -------
        Tensor or array, (n, d)

        Raises
        ------
        ValueError
            Z does not fit, or nothing was fitted yet.
        """
        mean = self._kept("mean_")
        whitened = self._codes(Z, self.n_features_in_, mean, "Z")
        return self._in_kind(whitened @ self._kept("unwhitening_") + mean, Z)


# What streaming needs: the grid, and both maps on a part of its rows.


def check_image(name: str, image: object) -> None:
    """Refuse all but a finite, floating (h, w) tensor."""
    check_tensor(name, image, "a torch tensor of shape (h, w)")
    assert isinstance(image, Tensor)
    check_matrix(name, image)


def grid(shape: tuple[int, int], size: int, stride: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the upper left corners: together they cover every pixel."""
    for name, value in (("size", size), ("stride", stride)):
        check_integer(name, value)
        if value < 1:
            raise ValueError(f"{name}: got {value}, want at least 1")
    if stride > size:
        raise ValueError(f"stride: got {stride}, want at most size, which is {size}")
    if min(shape) < size:
        raise ValueError(f"image: got shape {tuple(shape)}, want both sides at least {size}")
    return _places(shape[0] - size, stride), _places(shape[1] - size, stride)


def _places(last: int, stride: int) -> Tensor:
    places = torch.arange(0, last + 1, stride, device="cpu")
    return places if int(places[-1]) == last else torch.cat([places, places.new_tensor([last])])


def cut(image: Tensor, rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """The patches (len(rows) * len(columns), size * size) with these upper left corners."""
    windows = image.unfold(0, size, 1).unfold(1, size, 1)  # a view
    rows, columns = rows.to(image.device), columns.to(image.device)
    return windows[rows[:, None], columns].reshape(-1, size * size)


def add_patches(total: Tensor, patches: Tensor, rows: Tensor, columns: Tensor, size: int) -> None:
    """Add patches into the image ``total`` at these corners: the adjoint of :func:`cut`."""
    rows, columns = rows.to(total.device), columns.to(total.device)
    blocks = patches.reshape(len(rows), len(columns), size, size)
    # Axis by axis, 2 size additions in all; corners on an axis differ, so no index comes twice.
    first = int(rows[0])
    strip = total.new_zeros(int(rows[-1]) - first + size, len(columns), size)
    for i in range(size):
        strip[rows - first + i] += blocks[:, :, i]
    image = total[first : first + len(strip)]
    for j in range(size):
        image[:, columns + j] += strip[:, :, j]
