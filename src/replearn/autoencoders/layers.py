r"""Layers: dense ones h = s(W x + b), their transposes, and an activation that keeps k entries.

The derivative of an activation is written through its value, which is what makes the Jacobian of
one layer cheap (see :mod:`replearn.autoencoders.penalties`)::

    sigmoid   h = 1 / (1 + exp(-a))      s'(a) = h (1 - h)      ds'/dh = 1 - 2 h
    tanh      h = tanh(a)                s'(a) = 1 - h^2        ds'/dh = -2 h
    relu      h = max(a, 0)              s'(a) = 1 where h > 0, else 0        ds'/dh = 0
    softplus  h = log(1 + exp(a))        s'(a) = 1 - exp(-h)    ds'/dh = exp(-h)
    elu       h = a where a > 0, else exp(a) - 1
              s'(a) = 1 where h > 0, else h + 1     ds'/dh = 1 where h < 0, else 0
    linear    h = a                      s'(a) = 1              ds'/dh = 0

Sources: Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward neural
networks, AISTATS, for the uniform start; Clevert, Unterthiner & Hochreiter (2016), Fast and
accurate deep network learning by exponential linear units, ICLR; Makhzani & Frey (2014), k-sparse
autoencoders, ICLR.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from replearn._validate import check_floating, check_integer, check_rows

__all__ = [
    "ACTIVATIONS",
    "Dense",
    "KSparse",
    "TiedDecoder",
    "activation_derivative",
    "activation_derivative_grad",
    "dense_stack",
]

#: The activations of dense layers, by name.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda A: A,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": nn.functional.softplus,
    "elu": nn.functional.elu,
}

_DERIVATIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": torch.ones_like,
    "sigmoid": lambda H: torch.addcmul(H, H, H, value=-1),  # H (1 - H) in one pass
    "tanh": lambda H: 1 - H.square(),
    "relu": lambda H: (H > 0).to(H.dtype),
    "softplus": lambda H: -torch.expm1(-H),
    "elu": lambda H: H.clamp(max=0) + 1,
}


def activation_derivative(activation: str, H: Tensor) -> Tensor:
    """The derivative s'(a) of an activation, elementwise, from its value h = s(a).

    Parameters
    ----------
    activation : str
        A name in ``ACTIVATIONS``.
    H : Tensor, (...)
        Values of the activation, floating, of any shape. NaN gives NaN.

    Returns
    -------
    Tensor, (...)
        Of the shape of H.

    Raises
    ------
    ValueError
        No such activation, or H is no dense floating tensor.

    Examples
    --------
    >>> activation_derivative("tanh", torch.tensor([0.0, 0.5]))
    tensor([1.0000, 0.7500])
    """
    check_activation(activation)
    check_floating("H", H)
    return _DERIVATIVES[activation](H)


_DERIVATIVE_GRADS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": torch.zeros_like,
    "sigmoid": lambda H: torch.rsub(H, 1, alpha=2),  # 1 - 2 H in one pass
    "tanh": lambda H: -2 * H,
    "relu": torch.zeros_like,
    "softplus": lambda H: torch.exp(-H),
    "elu": lambda H: (H < 0).to(H.dtype),
}


def activation_derivative_grad(activation: str, H: Tensor) -> Tensor:
    """How fast :func:`activation_derivative` changes with the value, ds'/dh, from h.

    The second derivative of the activation is s'' = s' ds'/dh.

    Parameters
    ----------
    activation : str
        A name in ``ACTIVATIONS``.
    H : Tensor, (...)
        Values of the activation, floating, of any shape. NaN gives NaN.

    Returns
    -------
    Tensor, (...)
        Of the shape of H.

    Raises
    ------
    ValueError
        No such activation, or H is no dense floating tensor.

    Examples
    --------
    >>> activation_derivative_grad("tanh", torch.tensor([0.0, 0.5]))
    tensor([-0., -1.])
    """
    check_activation(activation)
    check_floating("H", H)
    return _DERIVATIVE_GRADS[activation](H)


def check_activation(activation: str) -> None:
    """Refuse the name of an activation that there is none of."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: got {activation!r}, want one of {', '.join(ACTIVATIONS)}")


class Dense(nn.Module):
    r"""One dense layer, ``h = s(W x + b)``, for rows: ``H = s(X W^T + b)``.

    W starts uniform in ``+-sqrt(6 / (d + m))`` (Glorot and Bengio 2010), b at 0.

    Parameters
    ----------
    d : int
        Width of the input, at least 1.
    m : int
        Width of the output, at least 1.
    activation : str
        A key of ``ACTIVATIONS``.

    Attributes
    ----------
    weight : Tensor, (m, d)
        W.
    bias : Tensor, (m,)
        b.
    activation : str
        As given.

    Raises
    ------
    ValueError
        A width or an activation that does not fit.

    Examples
    --------
    >>> layer = Dense(3, 2, "sigmoid")
    >>> layer
    Dense(3, 2, 'sigmoid')
    >>> layer(torch.zeros(1, 3)).detach()
    tensor([[0.5000, 0.5000]])
    """

    def __init__(self, d: int, m: int, activation: str = "relu") -> None:
        super().__init__()
        for name, width in (("d", d), ("m", m)):
            check_integer(name, width)
            if width < 1:
                raise ValueError(f"{name}: got {width}, want at least 1")
        check_activation(activation)
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(m, d, device="cpu"))
        self.bias = nn.Parameter(torch.zeros(m, device="cpu"))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, X: Tensor) -> Tensor:
        """The layer's values s(W x + b) of rows.

        Parameters
        ----------
        X : Tensor, (n, d)
            Of the dtype and on the device of the weights. NaN gives NaN.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X does not fit the weights.
        """
        check_rows("X", X, self.weight, self.weight.shape[1])
        return ACTIVATIONS[self.activation](nn.functional.linear(X, self.weight, self.bias))

    def extra_repr(self) -> str:
        """What the layer's repr shows: sizes and activation.

        Returns
        -------
        str
        """
        m, d = self.weight.shape
        return f"{d}, {m}, {self.activation!r}"


class TiedDecoder(nn.Module):
    r"""The decoder whose matrices are the encoder's, transposed, in reverse order.

    For layers ``W_1, ..., W_L`` of the encoder: ``h -> s(W_L^T h + c_L) -> ... -> W_1^T h + c_1``.
    Only the biases c are its own; the last layer has no activation, those between have that of
    the encoder's layer below.

    Parameters
    ----------
    encoder : sequence of Dense
        The encoder's layers. They are kept by reference, not copied: a step on W moves both ends.

    Attributes
    ----------
    biases : nn.ParameterList
        The biases c, from the code outwards.

    Examples
    --------
    >>> layer = Dense(3, 2)
    >>> H = torch.tensor([[1.0, 0.0]])
    >>> torch.equal(TiedDecoder([layer])(H)[0], layer.weight[0])
    True
    """

    def __init__(self, encoder: Sequence[Dense]) -> None:
        super().__init__()
        # In a tuple, so that the matrices are not parameters a second time.
        self._layers = tuple(encoder)
        self.biases = nn.ParameterList(
            [layer.weight.new_zeros(layer.weight.shape[1]) for layer in reversed(self._layers)]
        )

    def forward(self, H: Tensor) -> Tensor:
        """The decoder's output, before the output's activation.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes. NaN gives NaN.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            H does not fit the weights.
        """
        check_rows("H", H, *entrance(self))
        last = len(self._layers) - 1
        for i, bias in enumerate(self.biases):
            layer = self._layers[last - i]
            H = nn.functional.linear(H, layer.weight.T, bias)
            if i < last:
                H = ACTIVATIONS[self._layers[last - i - 1].activation](H)
        return H


class KSparse(nn.Module):
    r"""Keep the k largest entries of each code, set the others to 0 (Makhzani and Frey 2014).

    ``h_j = a_j`` if a_j is one of the k largest, else 0. It has no parameters; the gradient flows
    through the entries that are kept. In evaluation mode ``round(k_test)`` are kept, where given.

    Parameters
    ----------
    k : int
        Entries kept, at least 1.
    k_test : int, optional
        Entries kept in evaluation mode; None: k. The paper takes more there than in training.

    Raises
    ------
    ValueError
        A count that does not fit, or (in forward) one beyond the code's width.

    Examples
    --------
    >>> KSparse(2)(torch.tensor([[3.0, 1.0, 2.0]]))
    tensor([[3., 0., 2.]])
    """

    def __init__(self, k: int, k_test: int | None = None) -> None:
        super().__init__()
        for name, count in (("k", k), ("k_test", k if k_test is None else k_test)):
            check_integer(name, count)
            if count < 1:
                raise ValueError(f"{name}: got {count}, want at least 1")
        self.k, self.k_test = k, k if k_test is None else k_test

    def forward(self, A: Tensor) -> Tensor:
        """Codes with at most k entries other than 0 in each row.

        Parameters
        ----------
        A : Tensor, (n, m)
            Values of the layer below.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            A is no dense floating tensor, or k is beyond its width.
        """
        check_rows("A", A, None)
        k = self.k if self.training else self.k_test
        if k > A.shape[-1]:
            raise ValueError(f"A: got codes of width {A.shape[-1]}, want at least k, {k}")
        values, places = A.topk(k, dim=-1)
        return torch.zeros_like(A).scatter(-1, places, values)

    def extra_repr(self) -> str:
        """What the layer's repr shows: how many entries are kept.

        Returns
        -------
        str
        """
        return f"{self.k}" if self.k_test == self.k else f"{self.k}, k_test={self.k_test}"


def entrance(module: nn.Module) -> tuple[Tensor | None, int | None]:
    """The weight that rows meet first in a module, and their width; None for what it does not say.

    Parameters
    ----------
    module : nn.Module
        For rows (n, d).

    Returns
    -------
    weight : Tensor, optional
    width : int, optional
    """
    first: nn.Module | None = module
    while first is not None:
        weight = first._parameters.get("weight")
        if weight is not None and weight.ndim == 2:
            return weight, weight.shape[1]
        if isinstance(first, TiedDecoder):
            weight = first._layers[-1].weight
            return weight, weight.shape[0]
        if isinstance(first, nn.Unflatten) and first.dim == 1:
            return next(module.parameters(), None), math.prod(first.unflattened_size)
        first = next(first.children(), None)
    return next(module.parameters(), None), None


def dense_stack(
    sizes: Sequence[int], activation: str, last: str, *, layer: type[Dense] = Dense
) -> nn.Sequential:
    """Layers, ``Dense`` or a subclass, between the widths ``sizes``, the last with ``last``.

    Parameters
    ----------
    sizes : sequence of int
        Widths, from the input to the output.
    activation : str
        Of all layers but the last.
    last : str
        Activation of the last layer.
    layer : type of Dense
        The class of the layers.

    Returns
    -------
    nn.Sequential

    Raises
    ------
    ValueError
        Fewer than two widths, or one that does not fit.

    Examples
    --------
    >>> dense_stack([4, 3, 2], "relu", "linear")
    Sequential(
      (0): Dense(4, 3, 'relu')
      (1): Dense(3, 2, 'linear')
    )
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes: got {list(sizes)}, want at least two widths")
    names = [activation] * (len(sizes) - 2) + [last]
    return nn.Sequential(
        *(layer(d, m, name) for d, m, name in zip(sizes, sizes[1:], names, strict=False))
    )
