"""Atoms, the columns of a dictionary D (d, m): their length, their likeness, their identity.

The objective of dictionary learning is the same for D and for D P S, with P a permutation and S
a diagonal matrix of signs, when the codes are permuted and signed alike. A learned dictionary can
therefore be compared with a true one only up to order and sign: ``match_atoms`` does so by the
assignment of largest total |cosine| (Kuhn 1955).

References
----------
H. W. Kuhn, Naval Research Logistics Quarterly 2 (1955). D. L. Donoho and X. Huo, IEEE
Transactions on Information Theory 47 (2001), for the mutual coherence.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replearn._validate import check_matrix

__all__ = ["AtomMatch", "match_atoms", "mutual_coherence", "normalise_atoms"]


@dataclass(frozen=True)
class AtomMatch:
    """Which atom of D stands for which true atom: ``D[:, permutation] * sign`` ~ ``D_true``.

    Attributes
    ----------
    permutation : Tensor, (m_true,), int64
        The column of D that was assigned to each true atom.
    sign : Tensor, (m_true,)
        Of -1 and 1.
    similarity : Tensor, (m_true,)
        Absolute cosine of the angle between the two, in [0, 1].

    Examples
    --------
    >>> D, D_true = torch.tensor([[0.0, -1.0], [2.0, 0.0]]), torch.eye(2)
    >>> match = match_atoms(D, D_true)
    >>> match.similarity
    tensor([1., 1.])
    >>> torch.equal(D[:, match.permutation] * match.sign, torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    True
    """

    permutation: Tensor
    sign: Tensor
    similarity: Tensor


def normalise_atoms(D: Tensor) -> Tensor:
    """D with every column divided by its Euclidean length; columns of zeros stay zero.

    Lengths that overflow or underflow when squared are handled. Gradients flow through.

    Parameters
    ----------
    D : Tensor, (d, m)
        Dictionary; atoms are columns.

    Returns
    -------
    Tensor, (d, m)
        Unit columns.

    Raises
    ------
    ValueError
        D is not a finite float matrix.

    Examples
    --------
    >>> normalise_atoms(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
    tensor([[0.6000, 0.0000],
            [0.8000, 0.0000]])
    """
    check_matrix("D", D)
    largest = D.detach().abs().amax(0)
    scaled = D / torch.where(largest > 0, largest, 1.0)
    length = torch.where(largest > 0, scaled.square().sum(0), 1.0).sqrt()
    return scaled / length


@torch.no_grad()
def match_atoms(D: Tensor, D_true: Tensor) -> AtomMatch:
    """Assign to each true atom a different learned atom so that the |cosines| add up to most.

    Parameters
    ----------
    D : Tensor, (d, m)
        Learned atoms, m >= m_true. The lengths of the columns play no role; a column of zeros is
        like nothing (similarity 0).
    D_true : Tensor, (d, m_true)
        True atoms, alike.

    Returns
    -------
    AtomMatch

    Raises
    ------
    ValueError
        Shapes that do not fit.

    Examples
    --------
    >>> D = torch.tensor([[0.0, -1.0], [2.0, 0.0]])
    >>> match = match_atoms(D, torch.eye(2))
    >>> match.permutation, match.sign
    (tensor([1, 0]), tensor([-1.,  1.]))
    """
    from scipy.optimize import linear_sum_assignment  # here: SciPy takes half a second

    check_matrix("D", D)
    check_matrix("D_true", D_true)
    if D.shape[0] != D_true.shape[0] or D.shape[1] < D_true.shape[1]:
        raise ValueError(
            f"D, D_true: got shapes {tuple(D.shape)} and {tuple(D_true.shape)}, want (d, m) and "
            "(d, m_true) with the same d and m >= m_true"
        )
    cosines = normalise_atoms(D_true.double()).T @ normalise_atoms(D.double())
    _, columns = linear_sum_assignment(cosines.abs().cpu().numpy(), maximize=True)
    permutation = torch.as_tensor(columns, dtype=torch.int64, device=D.device)
    matched = cosines.gather(1, permutation[:, None]).squeeze(1)
    return AtomMatch(
        permutation=permutation,
        sign=torch.where(matched < 0, -1.0, 1.0).to(D.dtype),
        similarity=matched.abs().clamp(max=1.0).to(D.dtype),
    )


@torch.no_grad()
def mutual_coherence(D: Tensor) -> float:
    """Largest absolute cosine between two different atoms: max_{j != k} |d_j . d_k|, in [0, 1].

    Parameters
    ----------
    D : Tensor, (d, m)
        Dictionary; columns of any length. With a single atom the coherence is 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        D is not a finite float matrix.

    Examples
    --------
    >>> round(mutual_coherence(torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]])), 3)
    0.8
    """
    D = normalise_atoms(D)
    cosines = (D.T @ D).abs().fill_diagonal_(0.0)
    return min(1.0, float(cosines.max()))
