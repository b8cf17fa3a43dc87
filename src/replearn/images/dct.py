"""The overcomplete cosine dictionary: the fixed one that learned dictionaries are compared with.

Source: Elad and Aharon 2006, Image denoising via sparse and redundant representations over learned
dictionaries, IEEE Transactions on Image Processing 15(12), section V.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from replearn._validate import check_integer


def dct_dictionary(size: int, n_per_axis: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    r"""Separable cosine dictionary for patches of ``size`` x ``size`` pixels.

    On one axis, for pixel i and frequency k = 0, ..., n_per_axis - 1::

        c_k(i) = cos(pi k (i + 1/2) / n_per_axis),  for k >= 1 without its mean, scaled to length 1

    and an atom is an outer product c_k c_l^T. With n_per_axis = size these are the orthonormal
    basis of the discrete cosine transform (DCT-II); with more, the frequencies lie closer.

    Parameters
    ----------
    size : int
        Side of a patch, at least 2.
    n_per_axis : int
        Cosines along each axis.
    dtype : torch.dtype
        Of the atoms.

    Returns
    -------
    Tensor, (size * size, n_per_axis ** 2)
        Columns of length 1, the constant first, all others of mean 0; on the CPU.

    Raises
    ------
    ValueError
        ``size`` is below 2 or n_per_axis below 1.

    Examples
    --------
    >>> D = dct_dictionary(4, 4)
    >>> torch.allclose(D.T @ D, torch.eye(16), atol=1e-6)
    True
    """
    for name, value, least in (("size", size, 2), ("n_per_axis", n_per_axis, 1)):
        check_integer(name, value)
        if value < least:
            raise ValueError(f"{name}: got {value}, want at least {least}")
    i = torch.arange(size, dtype=torch.float64, device="cpu") + 0.5
    k = torch.arange(n_per_axis, dtype=torch.float64, device="cpu")
    C = torch.cos(math.pi / n_per_axis * i[:, None] * k)
    C[:, 1:] -= C[:, 1:].mean(0)
    C /= C.norm(dim=0)
    return torch.kron(C, C).to(dtype)
