r"""Enlarging photographs with a pair of coupled dictionaries.

A small image, enlarged by bicubic interpolation, lacks fine detail. Patches f of its derivatives
and patches r of what is missing are sparse in two dictionaries with the same code::

    f ~ D_low h,    r ~ D_high h

The pair is learnt on photographs, where both are known, as one dictionary of stacked pairs (f, r).
For a new image h is found from f, and D_high h is added. Last, the result is made to agree with the
small image, from which it would be shrunk (back-projection).

D_high is fitted once more, by least squares, to the codes that f alone gives, because those are
what an enlargement has.

Sources: Yang, Wright, Huang and Ma 2010, Image super-resolution via sparse representation, IEEE
Transactions on Image Processing 19(11); Zeyde, Elad and Protter 2012, On single image scale-up
using sparse-representations, Curves and Surfaces (LNCS 6920), for the last fit of D_high.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from replearn._batches import slices
from replearn._progress import Progress, progress_bar
from replearn._validate import check_integer, check_not_negative, check_seed
from replearn.images.patches import add_patches, check_image, cut, grid

# First and second differences, the features of Yang et al.
_FILTERS = ((-1.0, 0.0, 1.0), (1.0, 0.0, -2.0, 0.0, 1.0))
_PATCHES = 8192  # worked on at a time
_FLAT = 0.05  # features of a smaller length, in grey values, have no detail to learn from
_RIDGE = 1e-3
_MOST = 1e6  # that a grey value can be: squares of larger ones would leave float32
_BACK_PROJECTIONS = 10


@dataclass(frozen=True)
class CoupledDictionary:
    """What :func:`train_coupled` learnt and :func:`upscale` needs.

    Attributes
    ----------
    factor : int
        How much larger images get.
    size : int
        Side of a patch in pixels of the large image.
    penalty : float
        Weight of the lasso that finds codes, for features scaled to length 1.
    low : Tensor
        (4 size^2, m), atoms of features, of length 1.
    high : Tensor
        (size^2, m), atoms of missing detail.

    Examples
    --------
    >>> low, high = torch.eye(64), torch.zeros(16, 64)  # no detail: upscale is then bicubic
    >>> coupled = CoupledDictionary(factor=2, size=4, penalty=0.1, low=low, high=high)
    >>> upscale(torch.rand(8, 6), coupled).shape
    torch.Size([16, 12])
    """

    factor: int
    size: int
    penalty: float
    low: Tensor
    high: Tensor


def shrink(image: Tensor, factor: int) -> Tensor:
    """The image (h, w) at 1/factor of its size, by bicubic interpolation with antialiasing.

    Parameters
    ----------
    image : Tensor, (h, w)
        Grey values.
    factor : int
        At least 1.

    Returns
    -------
    Tensor, (h / factor, w / factor)

    Raises
    ------
    ValueError
        ``image`` is not a finite float (h, w) tensor with sides that factor divides.

    Examples
    --------
    >>> shrink(torch.full((8, 6), 0.5), 2).shape
    torch.Size([4, 3])
    """
    _check_factor(factor)
    check_image("image", image)
    h, w = image.shape
    if h % factor or w % factor:
        raise ValueError(f"image: got shape ({h}, {w}), want sides that are multiples of {factor}")
    return _resize(image, (h // factor, w // factor))


def bicubic(image: Tensor, factor: int) -> Tensor:
    """The image (h, w) at factor times its size, by bicubic interpolation.

    Parameters
    ----------
    image : Tensor, (h, w)
        Grey values.
    factor : int
        At least 1.

    Returns
    -------
    Tensor, (factor h, factor w)

    Raises
    ------
    ValueError
        ``image`` is not a finite float (h, w) tensor, or factor is below 1.

    Examples
    --------
    >>> bicubic(torch.full((4, 3), 0.5), 2).shape
    torch.Size([8, 6])
    """
    _check_factor(factor)
    check_image("image", image)
    return _resize(image, (image.shape[0] * factor, image.shape[1] * factor))


@torch.no_grad()
def train_coupled(
    images: Sequence[Tensor],
    *,
    factor: int = 2,
    size: int = 6,
    n_atoms: int = 256,
    penalty: float = 0.1,
    n_patches: int = 20_000,
    epochs: int = 5,
    seed: int = 0,
    progress: Progress = False,
) -> CoupledDictionary:
    """Learn a pair of dictionaries from large images.

    Parameters
    ----------
    images : sequence of Tensor
        Each (h, w), grey values from 0 to 1; cut to multiples of factor.
    factor : int
        At least 1.
    size : int
        Side of a patch in pixels of the large image.
    n_atoms : int
        Number of pairs of atoms.
    penalty : float
        Weight of the lasso, for features scaled to length 1.
    n_patches : int
        Pairs to learn from, taken at random from those with some contrast.
    epochs : int
        Passes of the dictionary learning over them.
    seed : int
        Seed of the choice and of the learning.
    progress : bool or "always"
        Show a bar, if standard error is a terminal; "always": also if it is not.

    Returns
    -------
    CoupledDictionary

    Raises
    ------
    ValueError
        ``images`` is empty or without contrast, or a number is out of range.

    Examples
    --------
    >>> image = torch.rand(24, 24, generator=torch.Generator().manual_seed(0))
    >>> coupled = train_coupled([image], size=4, n_atoms=8, n_patches=100, epochs=1)
    >>> coupled.low.shape, coupled.high.shape
    (torch.Size([64, 8]), torch.Size([16, 8]))
    """
    # Here: patches are there without dictionary learning too.
    from replearn.dictionary import DictionaryLearning

    if len(images) == 0:
        raise ValueError("images: got none, want at least one of shape (h, w)")
    _check_factor(factor)
    check_not_negative("penalty", penalty)
    check_integer("n_patches", n_patches)
    if n_patches < 1:
        raise ValueError(f"n_patches: got {n_patches}, want at least 1")
    generator = torch.Generator().manual_seed(check_seed(seed))
    share = -(-n_patches // len(images))
    d = 4 * size * size
    pairs = []
    for i, image in enumerate(images):
        check_image(f"images[{i}]", image)
        if min(image.shape) < max(size, factor):
            raise ValueError(
                f"images[{i}]: got shape {tuple(image.shape)}, want sides of at least "
                f"{max(size, factor)}, a patch and a pixel of the small image"
            )
        if float(image.detach().abs().amax()) > _MOST:
            raise ValueError(
                f"images[{i}]: got values above {_MOST:g}, want grey values from 0 to 1"
            )
        large = image[: image.shape[0] // factor * factor, : image.shape[1] // factor * factor]
        guess = bicubic(shrink(large, factor), factor)
        rows, columns = grid((guess.shape[0], guess.shape[1]), size, 1)
        maps = [*_derivatives(guess), large - guess]
        place = torch.randint(
            len(rows) * len(columns), (2 * share,), generator=generator, device="cpu"
        )
        r, c = place // len(columns), place % len(columns)
        windows = [v.unfold(0, size, 1).unfold(1, size, 1)[r, c].flatten(1) for v in maps]
        pair = torch.cat(windows, 1)
        length = pair[:, :d].norm(dim=1, keepdim=True)
        pairs.append((pair / length)[length.squeeze(1) > _FLAT][:share])
    X = torch.cat(pairs)
    if len(X) == 0:
        raise ValueError("images: got none with contrast, want photographs")
    # The two halves weigh the same: features have length 1, details are scaled to it on average.
    scale = X[:, d:].square().sum(1).mean().sqrt()
    X[:, d:] /= scale
    learner = DictionaryLearning(
        n_atoms, penalty, epochs=epochs, random_state=seed, progress=progress
    ).fit(X)
    joint = learner.dictionary_[:d]
    low = joint / joint.norm(dim=0).clamp(min=torch.finfo(X.dtype).tiny)
    H = _codes(X[:, :d].contiguous(), low, penalty, "train_coupled")
    G = H.T @ H
    G.diagonal().add_(_RIDGE * G.diagonal().mean())
    high = torch.linalg.solve(G, H.T @ (X[:, d:] * scale)).T
    return CoupledDictionary(factor, size, penalty, low, high.contiguous())


def _codes(X: Tensor, D: Tensor, penalty: float, caller: str) -> Tensor:
    """Sparse codes (n, m); a warning if some have not converged."""
    from sklearn.exceptions import ConvergenceWarning  # here: patches are there without both

    from replearn.sparse import sparse_codes

    codes = sparse_codes(X, D, penalty)
    left = int((~codes.converged).sum())
    if left:
        warnings.warn(
            f"{caller}: {left} of {len(X)} codes of patches did not converge",
            ConvergenceWarning,
            stacklevel=3,
        )
    return codes.H


@torch.no_grad()
def upscale(image: Tensor, coupled: CoupledDictionary, *, progress: Progress = False) -> Tensor:
    """The image (h, w) enlarged to (factor h, factor w).

    Parameters
    ----------
    image : Tensor, (h, w)
        Grey values.
    coupled : CoupledDictionary
        What :func:`train_coupled` learnt.
    progress : bool or "always"
        Show a bar, if standard error is a terminal; "always": also if it is not.

    Returns
    -------
    Tensor, (factor h, factor w)

    Raises
    ------
    ValueError
        ``image`` is not a finite float (h, w) tensor of the dtype of the dictionaries, or is
        smaller than a patch.

    Examples
    --------
    >>> image = torch.rand(24, 24, generator=torch.Generator().manual_seed(0))
    >>> coupled = train_coupled([image], size=4, n_atoms=8, n_patches=100, epochs=1)
    >>> upscale(image, coupled).shape
    torch.Size([48, 48])
    """
    check_image("image", image)
    if image.dtype != coupled.low.dtype or image.device != coupled.low.device:
        raise ValueError(
            f"image: got {image.dtype} on {image.device}, want {coupled.low.dtype} on "
            f"{coupled.low.device}, as the dictionaries of coupled"
        )
    guess = bicubic(image, coupled.factor)
    size = coupled.size
    rows, columns = grid((guess.shape[0], guess.shape[1]), size, 1)
    maps = _derivatives(guess)
    total, count = torch.zeros_like(guess), torch.zeros_like(guess)
    step = max(1, _PATCHES // len(columns))
    strips = [rows[some] for some in slices(len(rows), step)]
    for strip in progress_bar(progress, strips, desc="patches", unit="strip", leave=False):
        F = torch.cat([cut(v, strip, columns, size) for v in maps], 1)
        length = F.norm(dim=1, keepdim=True)
        F = F / length.clamp(min=torch.finfo(F.dtype).tiny)
        detail = length * (_codes(F, coupled.low, coupled.penalty, "upscale") @ coupled.high.T)
        add_patches(total, detail, strip, columns, size)
        add_patches(count, torch.ones_like(detail), strip, columns, size)
    result = guess + total / count
    for _ in range(_BACK_PROJECTIONS):
        result = result + bicubic(image - shrink(result, coupled.factor), coupled.factor)
    return result


def _resize(image: Tensor, shape: tuple[int, int]) -> Tensor:
    return interpolate(image[None, None], size=shape, mode="bicubic", antialias=True)[0, 0]


def _derivatives(image: Tensor) -> list[Tensor]:
    """First and second differences across and down, four images (h, w), the border repeated."""
    maps = []
    for weights in _FILTERS:
        reach = len(weights) // 2
        padded = torch.nn.functional.pad(image[None], 4 * [reach], mode="replicate")[0]
        h, w = image.shape
        inner = slice(reach, -reach)
        across, down = torch.zeros_like(image), torch.zeros_like(image)
        for i, weight in enumerate(weights):
            across += weight * padded[inner, i : i + w]
            down += weight * padded[i : i + h, inner]
        maps += [across, down]
    return maps


def _check_factor(factor: int) -> None:
    check_integer("factor", factor)
    if factor < 1:
        raise ValueError(f"factor: got {factor}, want at least 1")
