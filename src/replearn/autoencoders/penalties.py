r"""Penalties: what else than a small loss is asked of an autoencoder.

Each is a function ``(model, X, H) -> scalar`` of the encoder's input X (n, d) and the codes
H = f(X) (n, m), a mean over the samples; :func:`replearn.autoencoders.objective` adds them with
weights. With J(x) = dh/dx, the (m, d) Jacobian of the encoder::

    l1             (1/n) sum_i ||h_i||_1
    kl_to_rate(r)  sum_j KL(r || r_j),   r_j = (1/n) sum_i h_ij in (0, 1)
                   KL(r || q) = r log(r/q) + (1 - r) log((1 - r)/(1 - q))
    contractive    (1/n) sum_i ||J(x_i)||_F^2
    weight_decay   sum of the squares of all weights, biases left out

For one layer h = s(W x + b) the Jacobian is diag(s'(a)) W, so that

    ||J(x)||_F^2 = sum_j s'(a_j)^2 ||w_j||^2                                   (closed form)

costs no more than the layer itself. For any encoder and random v with E[v v^T] = I

    E ||J v||^2 = tr(J E[v v^T] J^T) = ||J||_F^2                               (Hutchinson)

and J v is one pass of forward differentiation.

Sources: Rifai et al. (2011), Contractive auto-encoders, ICML; Hutchinson (1990), A stochastic
estimator of the trace, Communications in Statistics 19; Lee, Ekanadham & Ng (2008), Sparse deep
belief net model for visual area V2, NIPS, and Ng (2011), Sparse autoencoder, CS294A, for the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from replearn._validate import check_integer, check_rows, check_samples
from replearn.autoencoders.layers import Dense, activation_derivative, activation_derivative_grad
from replearn.autoencoders.networks import Autoencoder

__all__ = ["Penalty", "contractive", "hutchinson", "kl_to_rate", "l1", "weight_decay"]

#: What is added to a loss: called with the model, X (n, d) and its code H (n, m), gives a scalar.
Penalty = Callable[[Autoencoder, Tensor, Tensor], Tensor]


def l1(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
    """(1/n) sum_i ||h_i||_1: the negative logarithm of a Laplace prior on codes.

    Parameters
    ----------
    model : Autoencoder
        The model that is trained.
    X : Tensor, (n, d)
        Input of the encoder.
    H : Tensor, (n, m)
        Codes. NaN gives NaN.

    Returns
    -------
    Tensor, ()

    Raises
    ------
    ValueError
        H is no dense floating (n, m) tensor.

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([3, 2])
    >>> l1(model, torch.zeros(2, 3), torch.tensor([[1.0, -2.0], [0.0, 3.0]]))
    tensor(3.)
    """
    check_samples("H", H)
    return H.abs().sum() / len(H)


def kl_to_rate(rate: float) -> Penalty:
    """The penalty that pulls each unit's mean activity over the batch to ``rate``.

    For codes in (0, 1), those of a sigmoid layer.

    Parameters
    ----------
    rate : float
        The wanted mean activity, between 0 and 1.

    Returns
    -------
    callable
        A penalty: ``(model, X, H) -> scalar``.

    Raises
    ------
    ValueError
        ``rate`` is not between 0 and 1, or (when called) H is no dense floating (n, m) tensor, or
        a code is not.

    Examples
    --------
    Nothing is asked of units that are as active as they should be:

    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([3, 2], activation="sigmoid")
    >>> kl_to_rate(0.25)(model, torch.zeros(2, 3), torch.full((2, 2), 0.25))
    tensor(0.)
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate: got {rate}, want a number between 0 and 1")

    def penalty(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
        check_samples("H", H)
        if bool((H < 0).any()) or bool((H > 1).any()):
            raise ValueError("H: got codes outside [0, 1], want those of a sigmoid layer")
        active = H.mean(0).clamp(torch.finfo(H.dtype).eps, 1 - torch.finfo(H.dtype).eps)
        r = torch.full_like(active, rate)
        return (r * (r / active).log() + (1 - r) * ((1 - r) / (1 - active)).log()).sum()

    return penalty


def contractive(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
    """(1/n) sum_i ||J(x_i)||_F^2 of an encoder of one dense layer, in closed form.

    Parameters
    ----------
    model : Autoencoder
        The model that is trained.
    X : Tensor, (n, d)
        Input of the encoder.
    H : Tensor, (n, m)
        Codes. NaN gives NaN.

    Returns
    -------
    Tensor, ()

    Raises
    ------
    ValueError
        The encoder is not one ``Dense`` layer (``hutchinson`` takes any), or H does not fit it.

    Examples
    --------
    Of a linear encoder the Jacobian is W at every sample:

    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([3, 2], activation="linear")
    >>> X = torch.zeros(5, 3)
    >>> W = model.encoder[0].weight
    >>> torch.isclose(contractive(model, X, model.encode(X)), W.square().sum())
    tensor(True)
    """
    layer = model.encoder
    if isinstance(layer, nn.Sequential) and len(layer) == 1:
        layer = layer[0]
    if not isinstance(layer, Dense):
        raise ValueError(
            f"encoder: got {type(layer).__name__}, want one Dense layer; hutchinson takes any"
        )
    check_samples("H", H)
    check_rows("H", H, layer.weight, layer.weight.shape[0])
    return cast(Tensor, _ClosedForm.apply(H, layer.weight, layer.activation))  # type: ignore[no-untyped-call]


class _ClosedForm(torch.autograd.Function):
    """c . w / n with c_j = sum_i s'(a_ij)^2 and w_j = ||w_j||^2, and its gradient written out.

    Autograd's own makes half a dozen temporaries of the size of W, which take as long as the rest::

        d/dh_ij = (2/n) s' (ds'/dh) w_j        d/dW = (2/n) diag(c) W
    """

    @staticmethod
    def forward(ctx: Any, H: Tensor, W: Tensor, activation: str) -> Tensor:
        ctx.save_for_backward(H, W)
        ctx.activation, ctx.parts = activation, _parts(H, W, activation)
        _, c, w = ctx.parts
        return torch.dot(c, w) / len(H)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        H, W = ctx.saved_tensors
        # For second derivatives the parts must be seen to depend on H and W.
        S, c, w = _parts(H, W, ctx.activation) if torch.is_grad_enabled() else ctx.parts
        scale = gradient * (2 / len(H))
        dS = activation_derivative_grad(ctx.activation, H)
        return dS * S * (scale * w), W * (scale * c)[:, None], None


def _parts(H: Tensor, W: Tensor, activation: str) -> tuple[Tensor, Tensor, Tensor]:
    """s'(a) for every code, and of every unit c_j and the squared norm of its row of W."""
    S = activation_derivative(activation, H)
    return S, S.square().sum(0), torch.linalg.vector_norm(W, dim=1).square()


def hutchinson(n_probes: int = 1) -> Penalty:
    """The penalty (1/n) sum_i ||J(x_i)||_F^2, estimated without bias with random signs v.

    Parameters
    ----------
    n_probes : int
        Vectors v drawn for each sample and call, at least 1; the variance falls as 1/n_probes. They
        come from torch's global generator.

    Returns
    -------
    callable
        A penalty: ``(model, X, H) -> scalar``.

    Raises
    ------
    ValueError
        ``n_probes`` does not fit.

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> from replearn.device import seeded
    >>> model = dense_autoencoder([3, 2], activation="sigmoid")
    >>> X = torch.zeros(5, 3)
    >>> with seeded(0):
    ...     estimate = hutchinson(1000)(model, X, model.encode(X))
    >>> torch.isclose(estimate, contractive(model, X, model.encode(X)), rtol=0.05)
    tensor(True)
    """
    check_integer("n_probes", n_probes)
    if n_probes < 1:
        raise ValueError(f"n_probes: got {n_probes}, want at least 1")

    def penalty(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
        X = X.clone()  # the tangent of a view, a slice of all samples, is as large as its base
        total = H.new_zeros(())
        for _ in range(n_probes):
            v = torch.randint(0, 2, X.shape, device=X.device).to(X.dtype) * 2 - 1
            Jv = cast(Tensor, torch.func.jvp(model.encode, (X,), (v,))[1])
            total = total + Jv.square().sum()
        return total / (n_probes * len(X))

    return penalty


def weight_decay(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
    """Sum of the squares of the model's weights: of parameters with two dimensions or more.

    Parameters
    ----------
    model : Autoencoder
        The model that is trained.
    X : Tensor, (n, d)
        Input of the encoder.
    H : Tensor, (n, m)
        Codes.

    Returns
    -------
    Tensor, ()

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([3, 2])
    >>> matrices = (model.encoder[0].weight, model.decoder[0].weight)
    >>> wanted = sum(W.square().sum() for W in matrices)
    >>> torch.isclose(weight_decay(model, torch.zeros(1, 3), torch.zeros(1, 2)), wanted)
    tensor(True)
    """
    squares = [p.square().sum() for p in model.parameters() if p.ndim > 1]
    return torch.stack(squares).sum()
