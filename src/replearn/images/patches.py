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

import torch
from torch import Tensor

from replearn._validate import check_integer, check_matrix, check_not_negative, check_tensor


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


class PatchWhitener:
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
    mean_ : Tensor, (d,)
        Mean of the patches.
    whitening_, unwhitening_ : Tensor, (d, d)
        Symmetric, inverse of each other.
    floor_ : float, in squared units of P.

    Raises
    ------
    ValueError
        ``epsilon`` is negative, P is not a finite float (n, d) tensor, or does not vary.
    """

    mean_: Tensor
    whitening_: Tensor
    unwhitening_: Tensor
    floor_: float

    def __init__(self, epsilon: float = 1e-3) -> None:
        check_not_negative("epsilon", epsilon)
        self.epsilon = epsilon

    def fit(self, P: Tensor) -> PatchWhitener:
        """Learn mean and covariance from patches P (n, d)."""
        check_matrix("P", P)
        self.mean_ = P.mean(0)
        Pc = P - self.mean_
        values, V = torch.linalg.eigh((Pc.T @ Pc / len(P)).double())
        if float(values[-1]) <= 0:
            raise ValueError("P: got patches that are all the same, want some that differ")
        # Also with epsilon 0 nothing is divided by what is rounding noise.
        least = torch.finfo(P.dtype).eps * P.shape[1]
        self.floor_ = max(self.epsilon, least) * float(values[-1])
        scale = values.clamp(min=self.floor_).sqrt()
        self.whitening_ = ((V / scale) @ V.T).to(P.dtype)
        self.unwhitening_ = ((V * scale) @ V.T).to(P.dtype)
        return self

    def transform(self, P: Tensor) -> Tensor:
        """Whitened patches (n, d)."""
        self._check(P, "P")
        return (P - self.mean_) @ self.whitening_

    def fit_transform(self, P: Tensor) -> Tensor:
        """Whitened patches (n, d) of those that mean and covariance are learnt from."""
        return self.fit(P).transform(P)

    def inverse_transform(self, Z: Tensor) -> Tensor:
        """Patches (n, d) from whitened ones."""
        self._check(Z, "Z")
        return Z @ self.unwhitening_ + self.mean_

    def _check(self, P: Tensor, name: str) -> None:
        if not hasattr(self, "mean_"):
            raise ValueError("this PatchWhitener is not fitted yet: call fit(P) first")
        check_matrix(name, P, len(self.mean_), self.mean_.dtype)


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
    places = torch.arange(0, last + 1, stride)
    return places if int(places[-1]) == last else torch.cat([places, torch.tensor([last])])


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
