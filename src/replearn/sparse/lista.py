r"""LISTA: ISTA unrolled into a network whose matrices are trained.

A layer is an ISTA step with parameters of its own (Gregor and LeCun 2010, whose layers share W
and V)::

    h_0 = 0,    h_{k+1} = S(W_k x + V_k h_k, theta_k)      S: soft thresholding

    start:  W_k = D^T / L,   V_k = I - D^T D / L,   theta_k = penalty / L

so that the untrained network of K layers computes K steps of ISTA, and after training far fewer
layers come as close to the sparse codes.

References
----------
K. Gregor and Y. LeCun, ICML (2010).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from replearn._validate import check_integer, check_matrix, check_not_negative
from replearn.sparse.arguments import check_dictionary
from replearn.sparse.lasso import lipschitz

__all__ = ["LISTA", "lista_loss"]


class LISTA(nn.Module):
    """A trainable encoder of ``n_layers`` unrolled ISTA steps: see the module's text.

    Parameters
    ----------
    D : Tensor, (d, m)
        Dictionary, float32 or float64; atoms are columns. Kept as a buffer for ``lista_loss``.
    penalty : float
        At least 0.
    n_layers : int
        At least 1.
    nonnegative : bool
        Whether codes are >= 0; S is then max(. - theta, 0).

    Attributes
    ----------
    W : ParameterList
        n_layers matrices (m, d).
    V : ParameterList
        n_layers - 1 matrices (m, m), as the first layer starts from 0.
    theta : ParameterList
        n_layers vectors (m,), used by their absolute value.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> LISTA(torch.eye(2), 2.0, 3)(torch.tensor([[3.0, 1.0]])).detach().round(decimals=3)
    tensor([[1., 0.]])
    """

    D: Tensor

    def __init__(
        self, D: Tensor, penalty: float, n_layers: int, *, nonnegative: bool = False
    ) -> None:
        super().__init__()
        check_dictionary(D)
        check_not_negative("penalty", penalty)
        check_integer("n_layers", n_layers)
        if n_layers < 1:
            raise ValueError(f"n_layers: got {n_layers}, want at least 1")
        self.penalty, self.nonnegative = float(penalty), nonnegative
        D = D.detach()
        m, A = D.shape[1], D.double()
        self.register_buffer("D", D.clone())
        L = lipschitz(D) or 1.0
        eye = torch.eye(m, dtype=A.dtype, device=D.device)
        W, V = (A.T / L).to(D), (eye - A.T @ A / L).to(D)
        theta = torch.full((m,), self.penalty / L, dtype=A.dtype, device=D.device).to(D)
        if not all(bool(torch.isfinite(start).all()) for start in (W, theta)):
            raise ValueError(
                f"D: got values up to {float(D.abs().max()):.3g}, want ones for which the weights "
                f"D^T / L and penalty / L are numbers of {D.dtype}"
            )
        self.W = nn.ParameterList([nn.Parameter(W.clone()) for _ in range(n_layers)])
        self.V = nn.ParameterList([nn.Parameter(V.clone()) for _ in range(n_layers - 1)])
        self.theta = nn.ParameterList([nn.Parameter(theta.clone()) for _ in range(n_layers)])

    def forward(self, X: Tensor) -> Tensor:
        """Codes of samples.

        Parameters
        ----------
        X : Tensor, (n, d)
            In the dtype of the dictionary.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X does not fit the dictionary.
        """
        check_matrix("X", X, self.D.shape[0], self.D.dtype)
        H = self._threshold(X @ self.W[0].T, self.theta[0])
        for W, V, theta in zip(list(self.W)[1:], self.V, list(self.theta)[1:], strict=True):
            H = self._threshold(X @ W.T + H @ V.T, theta)
        return H

    def _threshold(self, Z: Tensor, theta: Tensor) -> Tensor:
        theta = theta.abs()
        if self.nonnegative:
            return torch.relu(Z - theta)
        return torch.relu(Z - theta) - torch.relu(-Z - theta)


def lista_loss(model: LISTA, X: Tensor) -> Tensor:
    """Mean of ``F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1`` at the network's codes.

    A loss for ``replearn.training.train``.

    Parameters
    ----------
    model : LISTA
        The network.
    X : Tensor, (n, d)
        Samples.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> lista_loss(LISTA(torch.eye(2), 2.0, 3), torch.tensor([[3.0, 1.0]])).detach()
    tensor(4.5000)
    """
    H: Tensor = model(X)
    squared = (X - H @ model.D.T).square().sum(1)
    loss: Tensor = (0.5 * squared + model.penalty * H.abs().sum(1)).mean()
    return loss
