"""Natural photographs in grey, and small patches of them.

Source: the Kodak Lossless True Color Image Suite (24 photographs, 768 x 512 pixels); without it,
the two sample photographs bundled with scikit-learn.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from replearn._validate import check_integer, check_seed, check_tensor, check_values
from replearn.data.cache import RemoteFile, read
from replearn.data.errors import DataUnavailable, WrongContent

_MIRROR = "http://r0k.us/graphics/kodak/kodak/"
_KODAK_SHA256 = """
a56e27cbf5f843c048b6af1d6e090760e9c92fadba88b7dee0205918a37523bd
4f4b74a79237e311d72cad958237b5f7088d8bce1c82305ebefe1a70e3022dfd
e25ca1ff2f0c0cb5fdfd5f9b0a0bb21ac4c3de3c84a67f35b09a85d3306249db
e3b946107c5d3441c022f678d0c3caf1e224d81b1604ba840a4f88e562de61aa
10349e963c5c813d327852f82c1795fa4148d69fedffc4c589bee458e3ac3d53
363510303b715d4cbc384e1ce227e466b613a09e1b71ae985882bf8e7fbd9b18
b77d3f006f42414bb242222e0482e750c0fb9e5ee8d4bed2f6f11c5605fe54a4
ba23983c76b4832ee0e8af0592664756841a16779acd69f792e268fb6d13d6e7
6a4361c2fc194feb4edaa9f9a4a0620fb9943e460ac7fdf037fb0f6dd6607a7d
9dfb70f5867c29ff9ed6313683f19b3d867849e40fbc0c4c54a4a89df341cf23
7936814b58b5387fce2e4e2488b4ec830dadd95fa9520f358ddb30990b50f2b6
d78c37c2f04f23761ed2367dd77e2db584ddd4c3950833fecf89f199a8126980
bc34a3ce58dea09dce1704c997171602de90cb34d0c8503a988b77f473d39b08
55a94550ff18f3246c4074fd32b77b0c74447c26b6ad274d564d999c0450ba6e
7538cbb80cb9103606c48b806eae57d56c885c7f90b9b3be70a41160f9cbb683
a89c7268ccd4718ba424a99fc4643c572cf692ca6eae887185ceb4e9f11d2e54
37afcc89fbdcb76d9518e04b2fc011027e2f4cd14b3b2f83cefd721641a47c5b
1a9258c365988961d87a0598725b609139c303ad48a5aad6c503c3b1a87849aa
b7450b264b1b0a411390d8931b112c27905a992520fc90569dc4b920aa32bbdc
3b46c71e3b92a563820ba32936be8330c586c41f938efd94be938386aae4328a
ac958597c82073f6bb65129c68f72b651db5b9efd82e11547d07350214bc268b
1cee58eb1f2d9c7ebb254d208a03c783ce6cf2c4d8c2cf45e235dd23b4ce1b29
e3111a2fd4da24af15d6459ef9eacfe54106b38e27b4a21821b75c3f5d2d5baf
1071c68372cc5a01435c2c225a5cf7d4bb803846ec08bb6b3d6721b156d7cb96
"""
KODAK_FILES = tuple(
    RemoteFile(f"kodak/kodim{i:02d}.png", f"{_MIRROR}kodim{i:02d}.png", sha256)
    for i, sha256 in enumerate(_KODAK_SHA256.split(), start=1)
)
# Luma of Rec. ITU-R BT.601, the usual grey of the image processing literature.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Photographs:
    """Photographs of one collection.

    Attributes
    ----------
    name : str
        The collection; a page that shows results prints it.
    images : list of Tensor, each (H, W)
        Luminance, float32, from 0 (black) to 1 (white).  Sizes may differ.

    Examples
    --------
    >>> photographs = Photographs("blank", [torch.zeros(4, 6)])
    >>> len(photographs.images)
    1
    """

    name: str
    images: list[Tensor]


def load_photographs() -> Photographs:
    """Return photographs: the Kodak suite if cached or downloaded, else scikit-learn's two.

    Luminance is 0.299 R + 0.587 G + 0.114 B of the stored (gamma-encoded) values.

    Returns
    -------
    Photographs

    Warns
    -----
    UserWarning
        The cache has a file of the Kodak suite with other content; the file is left as it is.

    Examples
    --------
    >>> photographs = load_photographs()
    >>> all(image.ndim == 2 for image in photographs.images)
    True
    """
    try:
        contents = [read(file) for file in KODAK_FILES]
    except WrongContent as error:
        warnings.warn(f"{error} Using scikit-learn's sample photographs.", stacklevel=2)
    except DataUnavailable:
        pass  # no news: the name of what is returned says it
    else:
        return Photographs("Kodak", [_grey(_decode(content)) for content in contents])
    from sklearn.datasets import load_sample_images  # here, because it takes most of a second

    return Photographs(
        "sample photographs (bundled)", [_grey(image) for image in load_sample_images().images]
    )


def extract_patches(images: Sequence[Tensor], size: int, n: int, *, seed: int) -> Tensor:
    """Return ``n`` random patches of ``size`` x ``size`` pixels, one per row.

    Every place in every image is equally likely, with replacement, so large images contribute
    more patches than small ones.

    Parameters
    ----------
    images : sequence of Tensor, each (H, W), or a Tensor (k, H, W)
        Sizes may differ; dtype and device may not.
    size : int
        Side of a patch in pixels.
    n : int
        Number of patches.
    seed : int
        The same seed gives the same patches.

    Returns
    -------
    Tensor, (n, size * size)
        Patches in random order, rows of a patch one after the other; dtype and device of the
        images.

    Raises
    ------
    ValueError
        There is no image, an image is not (H, W) with H, W >= size, or size or n is below 1.

    Examples
    --------
    >>> extract_patches([torch.zeros(9, 7), torch.ones(5, 5)], 4, 100, seed=0).shape
    torch.Size([100, 16])
    """
    if len(images) == 0:
        raise ValueError("images: got none, want at least one of shape (H, W)")
    seed = check_seed(seed)
    for argument, value in (("size", size), ("n", n)):
        check_integer(argument, value)
        if value < 1:
            raise ValueError(f"{argument}: got {value}, want at least 1")
    for i, image in enumerate(images):
        check_tensor(f"images[{i}]", image, "a torch tensor of shape (H, W)")
        check_values(f"images[{i}]", image)
        if image.dtype != images[0].dtype or image.device != images[0].device:
            raise ValueError(
                f"images[{i}]: got {image.dtype} on {image.device}, want {images[0].dtype} on "
                f"{images[0].device}, as images[0]"
            )
        if not bool(image.isfinite().all()):
            raise ValueError(f"images[{i}]: got NaN or infinite values, want finite ones")
        if image.ndim != 2 or min(image.shape) < size:
            raise ValueError(
                f"images[{i}]: got shape {tuple(image.shape)}, "
                f"want (H, W) with H and W at least {size}"
            )
    # windows[i] is a view (rows, columns, size, size): nothing is copied.
    windows = [image.unfold(0, size, 1).unfold(1, size, 1) for image in images]
    ends = torch.tensor([w.shape[0] * w.shape[1] for w in windows], device="cpu").cumsum(0)
    place = torch.randint(
        int(ends[-1]), (n,), generator=torch.Generator().manual_seed(seed), device="cpu"
    )
    owner = torch.searchsorted(ends, place, right=True)
    patches = images[0].new_empty(n, size * size)
    for i, w in enumerate(windows):
        mine = (owner == i).nonzero().squeeze(1)
        local = place[mine] - (ends[i] - w.shape[0] * w.shape[1])
        row, column = (index.to(w.device) for index in (local // w.shape[1], local % w.shape[1]))
        patches[mine.to(w.device)] = w[row, column].reshape(len(mine), size * size)
    return patches


def _decode(content: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def _grey(rgb: np.ndarray) -> Tensor:
    """Luminance in [0, 1] of 8-bit colours (H, W, 3)."""
    # Clamped because the rounded weights may sum to a hair above 1.
    return torch.from_numpy(rgb.astype(np.float32) @ _LUMA).div_(255).clamp_(0, 1)
