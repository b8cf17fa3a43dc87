r"""Restoring photographs patch by patch with a dictionary: denoising and inpainting.

Every patch of the image, at every place, is written with few atoms; each pixel then is the average
of what the patches over it say, which is worth as much as the dictionary.

Sources: Elad and Aharon 2006, Image denoising via sparse and redundant representations over learned
dictionaries, IEEE Transactions on Image Processing 15(12), for denoising, with its constants;
Mairal, Elad and Sapiro 2008, Sparse representation for color image restoration, IEEE Transactions
on Image Processing 17(1), for missing pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from replearn._batches import slices
from replearn._progress import Progress, progress_bar
from replearn._scale import exponents, times_power
from replearn._validate import check_not_negative
from replearn.images.patches import add_patches, check_image, cut, grid, remove_mean
from replearn.images.tv import check_mask

_GAIN = 1.15  # Elad and Aharon's C: a residual of C sigma a pixel counts as noise
_BLEND = 30 / 255  # their weight of the noisy image, lambda = 30 / sigma for grey values to 255
_PATCHES = 8192  # worked on at a time: bounds the memory for large images


@torch.no_grad()
def denoise(
    image: Tensor,
    D: Tensor,
    sigma: float,
    *,
    stride: int = 1,
    gain: float = _GAIN,
    progress: Progress = False,
) -> Tensor:
    r"""Remove white Gaussian noise of standard deviation sigma.

    Each patch x of d pixels, without its mean, gets the code h of orthogonal matching pursuit::

        min ||h||_0   subject to   ||x - D h||^2 <= d (gain sigma)^2

    and with R cutting the patches out, mean put back, the image is the least squares one::

        u = argmin  lambda ||u - image||^2 + sum_i ||R_i u - x_hat_i||^2

    with lambda = 30 / (255 sigma), the paper's weight.

    Parameters
    ----------
    image : Tensor, (h, w)
        Grey values from 0 to 1.
    D : Tensor, (size * size, m)
        Atoms are columns; of the dtype and on the device of image.
    sigma : float
        At least 0, in the units of image.
    stride : int
        Distance of neighbouring patches, 1 to size; 1 is slowest and best.
    gain : float
        Constant C of the paper, above 0.
    progress : bool or "always"
        Show a bar, if standard error is a terminal; "always": also if it is not.

    Returns
    -------
    Tensor, (h, w)

    Raises
    ------
    ValueError
        An argument has the wrong shape or is out of range, or D has a number of rows that is no
        square.

    Examples
    --------
    >>> from replearn.images import dct_dictionary
    >>> row, column = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    >>> image = 0.5 + 0.25 * torch.sin(row / 3) * torch.cos(column / 4)
    >>> noisy = image + 0.1 * torch.randn(16, 16, generator=torch.Generator().manual_seed(0))
    >>> restored = denoise(noisy, dct_dictionary(8, 8), sigma=0.1)
    >>> psnr(restored, image) > psnr(noisy, image) + 6  # dB
    True
    """
    check_image("image", image)
    size = _side(D, image)
    check_not_negative("sigma", sigma)
    check_not_negative("gain", gain)
    if sigma == 0:
        return image.clone()
    error = size * size * (gain * sigma) ** 2
    D = times_power(D, -exponents(D, 0))  # any length of atoms gives the same estimate
    from replearn.sparse.pursuit import omp  # here: patches are there without sparse coding too

    def estimate(P: Tensor, _: Tensor) -> Tensor:
        P, means = remove_mean(P)
        return omp(P, D, error=error) @ D.T + means[:, None]

    total, count = _over_patches(image, None, size, stride, estimate, progress)
    blend = _BLEND / sigma
    return (blend * image + total) / (blend + count)


@torch.no_grad()
def inpaint(
    image: Tensor,
    mask: Tensor,
    D: Tensor,
    *,
    sigma: float = 0.02,
    stride: int = 1,
    progress: Progress = False,
) -> Tensor:
    r"""Fill in missing pixels; the known ones stay as they are.

    Each patch is coded from its known pixels alone, k of d: with M the diagonal matrix that keeps
    them, x the patch without the mean of its known pixels, and a constant atom beside those of D::

        min ||h||_0   subject to   ||M (x - D h)||^2 <= k sigma^2

    by orthogonal matching pursuit on M D. D h then says what the missing ones are. Where patches
    overlap, they are averaged with the number of their known pixels as the weight.

    Parameters
    ----------
    image : Tensor
        (h, w); what it holds where mask is False is not looked at, NaN included.
    mask : Tensor, (h, w)
        Of bool, True where the pixel is known.
    D : Tensor, (size * size, m)
        Atoms are columns; of the dtype and on the device of image.
    sigma : float
        What a code may leave of a known pixel, root mean square, in the units of image: above 0, or
        known pixels are fitted to the last digit and what is between them is not.
    stride : int
        Distance of neighbouring patches, 1 to size; 1 is slowest and best.
    progress : bool or "always"
        Show a bar, if standard error is a terminal; "always": also if it is not.

    Returns
    -------
    Tensor, (h, w)

    Raises
    ------
    ValueError
        An argument has the wrong shape or is out of range, or a pixel lies in no patch that has a
        known one.

    Examples
    --------
    >>> from replearn.images import dct_dictionary
    >>> row, column = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    >>> image = 0.5 + 0.25 * torch.sin(row / 3) * torch.cos(column / 4)
    >>> mask = torch.rand(16, 16, generator=torch.Generator().manual_seed(0)) > 0.3
    >>> filled = inpaint(image * mask, mask, dct_dictionary(8, 8))
    >>> psnr(filled, image) > 30  # dB
    True
    """
    known = check_mask(mask, image)
    image = torch.where(known, image, torch.zeros((), dtype=image.dtype, device=image.device))
    check_image("image", image)
    size = _side(D, image)
    check_not_negative("sigma", sigma)
    D = times_power(D, -exponents(D, 0))
    D = torch.cat([torch.full_like(D[:, :1], 1 / size), D], 1)
    from replearn.sparse.pursuit import omp

    def estimate(P: Tensor, M: Tensor) -> Tensor:
        k = M.sum(1)
        means = P.sum(1) / k.clamp(min=1)  # unknown pixels are 0
        X = P - means[:, None]
        H = omp(X, D, error=k * sigma**2, mask=M > 0)
        return H @ D.T + means[:, None]

    total, weight = _over_patches(image, known, size, stride, estimate, progress)
    if not bool((known | (weight > 0)).all()):
        raise ValueError(
            f"mask: got pixels that share no patch of {size} x {size} with a known one, "
            "want smaller holes or a dictionary of larger patches"
        )
    return torch.where(known, image, total / weight)


def _over_patches(
    image: Tensor,
    known: Tensor | None,
    size: int,
    stride: int,
    estimate: Callable[[Tensor, Tensor], Tensor],
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """Sums over patches (h, w) of weight * estimate and of weight, in strips of the grid.

    A patch weighs 1, or as many pixels as it knows. ``estimate`` gets patches and 1 or 0 for each
    of their pixels, both (k, size * size).
    """
    rows, columns = grid((image.shape[0], image.shape[1]), size, stride)
    total, weight = torch.zeros_like(image), torch.zeros_like(image)
    seen = torch.ones_like(image) if known is None else known.to(image.dtype)
    step = max(1, _PATCHES // len(columns))
    strips = [rows[some] for some in slices(len(rows), step)]
    for strip in progress_bar(progress, strips, desc="patches", unit="strip", leave=False):
        P, M = (cut(values, strip, columns, size) for values in (image, seen))
        w = torch.ones_like(P[:, :1]) if known is None else M.sum(1, keepdim=True)
        add_patches(total, w * estimate(P, M), strip, columns, size)
        add_patches(weight, w.expand_as(P), strip, columns, size)
    return total, weight


def _side(D: Tensor, image: Tensor) -> int:
    """Side of the patches that the atoms of D are."""
    from replearn.sparse.arguments import check_dictionary

    check_dictionary(D)
    size = math.isqrt(D.shape[0])
    if size * size != D.shape[0]:
        raise ValueError(f"D: got {D.shape[0]} rows, want a square: those of size x size pixels")
    if D.dtype != image.dtype or D.device != image.device:
        raise ValueError(
            f"D: got {D.dtype} on {D.device}, want {image.dtype} on {image.device}, as image"
        )
    return size


@torch.no_grad()
def psnr(image: Tensor, reference: Tensor, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio 10 log10(peak^2 / mean((image - reference)^2)), in dB.

    Infinite where the images are equal.

    Parameters
    ----------
    image : Tensor, (h, w)
        The image that is judged.
    reference : Tensor, (h, w)
        The true one.
    peak : float
        Largest possible grey value, above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        An image is not a finite float (h, w) tensor, the shapes differ, or peak is not above 0.

    Examples
    --------
    >>> psnr(torch.full((4, 4), 0.5), torch.full((4, 4), 0.625), peak=1.25)
    20.0
    """
    check_image("image", image)
    check_image("reference", reference)
    if image.shape != reference.shape:
        raise ValueError(
            f"image, reference: got shapes {tuple(image.shape)} and {tuple(reference.shape)}, "
            "want the same"
        )
    if not peak > 0:
        raise ValueError(f"peak: got {peak!r}, want a number above 0")
    error = float((image.double() - reference.double()).square().mean())
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)
