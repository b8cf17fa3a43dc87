r"""Greedy layer-wise pretraining, and the deep networks that are put together from its layers.

::

    H_0 = X;    layer l is trained alone to reconstruct H_{l-1};    H_l = f_l(H_{l-1})

The trained layers are then joined: *unrolled* into a deep autoencoder
``x -> f_L(...f_1(x)) -> g_1(...g_L(h))``, or used below a classifier; either way all weights are
trained on, together (fine-tuning).

Sources: Hinton, Osindero & Teh (2006), A fast learning algorithm for deep belief nets, Neural
Computation 18; Hinton & Salakhutdinov (2006), Science 313; Bengio et al. (2007), Greedy layer-wise
training of deep networks, NIPS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from replearn._batches import by_rows
from replearn._modes import evaluation
from replearn._validate import check_integer, check_matrix, check_tensor
from replearn.autoencoders.layers import Dense, TiedDecoder
from replearn.autoencoders.networks import Autoencoder
from replearn.device import seeded
from replearn.pretraining.rbm import RBM
from replearn.training import History, train

__all__ = ["encode", "greedy", "stacked_encoder", "unroll"]

Layer = Autoencoder | RBM
_ROWS = 4096  # samples encoded at a time
CONTAINERS = (Dense, nn.Sequential)


def greedy(
    layers: Sequence[Layer],
    X: Tensor,
    losses: Callable[..., Tensor] | Sequence[Callable[..., Tensor]],
    *,
    X_val: Tensor | None = None,
    checkpoint: Path | str | None = None,
    **settings: Any,
) -> list[History]:
    """Train each layer in place on the codes of those below.

    Parameters
    ----------
    layers : sequence of Layer
        Single-layer autoencoders or RBMs; the width of each code is that of the next input.
    X : Tensor, (n, d)
        The samples.
    losses : callable or sequence of Callable[..., Tensor]
        One for all layers or one for each: ``objective(...)`` or ``contrastive_divergence``.
    X_val : Tensor, (n_val, d), optional
        Validation samples, encoded from layer to layer as X is.
    checkpoint : Path or str, optional
        File; layer l writes ``name.l`` beside it. A run that was interrupted goes on with the layer
        and epoch it was in; the layers after it start from what is given, so make them with the
        same seeds.
    **settings
        Arguments of ``replearn.training.train``: epochs, batch_size, lr, optimizer, schedule,
        max_norm, patience, callbacks, key, seed, progress.

    Returns
    -------
    list of History
        The history of each layer.

    Raises
    ------
    ValueError
        No layers, not as many losses as layers, widths that do not fit, or as for ``train``.
    FloatingPointError
        As for ``train``: a layer's loss became infinite or not a number.

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> layers = [dense_autoencoder([4, 3]), RBM(3, 2)]
    >>> from replearn.autoencoders import objective
    >>> from replearn.pretraining import contrastive_divergence
    >>> losses = [objective(), contrastive_divergence()]
    >>> X = torch.rand(20, 4, generator=torch.Generator().manual_seed(0))
    >>> [history.epochs for history in greedy(layers, X, losses, epochs=2)]
    [2, 2]
    """
    chosen = [losses] * len(layers) if callable(losses) else list(losses)
    if not layers or len(chosen) != len(layers):
        raise ValueError(
            f"losses: got {len(chosen)} for {len(layers)} layers, want one for all, or one each"
        )
    check_tensor("X", X)
    if X.ndim != 2:
        raise ValueError(f"X: got shape {tuple(X.shape)}, want (n, d)")
    _check_widths(layers, X.shape[1])
    histories = []
    H, H_val = X, X_val
    for index, (layer, loss) in enumerate(zip(layers, chosen, strict=True)):
        path = None if checkpoint is None else Path(f"{checkpoint}.{index + 1}")
        histories.append(train(layer, H, loss=loss, X_val=H_val, checkpoint=path, **settings))
        if index + 1 < len(layers):
            H = encode(layer, H)
            H_val = None if H_val is None else encode(layer, H_val)
    return histories


@torch.no_grad()
def encode(model: Layer, X: Tensor, rows: int = _ROWS) -> Tensor:
    """Codes (n, m) of X (n, d) in evaluation mode, so many rows at a time.

    Parameters
    ----------
    model : Layer
        A single-layer autoencoder or RBM.
    X : Tensor, (n, d)
        Samples.
    rows : int
        So many rows at a time.

    Returns
    -------
    Tensor, (n, m)

    Raises
    ------
    ValueError
        X is not a finite float matrix that fits the layer, or ``rows`` is no integer of at least 1.

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> encode(dense_autoencoder([4, 3]), torch.zeros(5, 4)).shape
    torch.Size([5, 3])
    """
    check_matrix("X", X)
    check_integer("rows", rows)
    if rows < 1:
        raise ValueError(f"rows: got {rows}, want at least 1")
    with evaluation(model):
        return by_rows(model.encode, X, rows)


def stacked_encoder(layers: Sequence[Layer]) -> nn.Sequential:
    """The encoders of trained layers on top of one another: Dense layers with copied weights.

    Parameters
    ----------
    layers : sequence of Layer
        From the input to the code.

    Returns
    -------
    nn.Sequential

    Raises
    ------
    ValueError
        No layers, widths that do not fit, or an encoder that is not one Dense layer.

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> layers = [dense_autoencoder([4, 3]), RBM(3, 2)]
    >>> stacked_encoder(layers)
    Sequential(
      (0): Dense(4, 3, 'relu')
      (1): Dense(3, 2, 'sigmoid')
    )
    """
    _check_widths(layers)
    return nn.Sequential(*(_dense(*_weights(layer)) for layer in layers))


def unroll(layers: Sequence[Layer], *, output: str | None = None) -> Autoencoder:
    """The deep autoencoder of trained layers, with copied weights.

    The decoder's matrices start as the transposes of the RBMs', or as those of the layers' own
    decoders, and are free from then on. Between them stands the activation of the code that each
    reconstructs; where that is also the layer's own output (binary RBMs on one another, sigmoid
    layers with sigmoid outputs), the deep autoencoder starts as the chain of the layers.

    Parameters
    ----------
    layers : sequence of Layer
        From the input to the code.
    output : str, optional
        Output of the deep autoencoder, "linear" or "sigmoid"; None: as the first layer's.

    Returns
    -------
    Autoencoder

    Raises
    ------
    ValueError
        As for :func:`stacked_encoder`, or a decoder that is not one layer.

    Examples
    --------
    >>> from replearn.autoencoders import dense_autoencoder
    >>> layers = [dense_autoencoder([4, 3]), RBM(3, 2)]
    >>> unroll(layers).decoder
    Sequential(
      (0): Dense(2, 3, 'relu')
      (1): Dense(3, 4, 'linear')
    )
    """
    encoder = stacked_encoder(layers)
    decoders = []
    for index, layer in enumerate(layers):
        W, c = _decoder_weights(layer)
        activation = _weights(layers[index - 1])[2] if index else "linear"
        decoders.append(_dense(W, c, activation))
    if output is None:
        output = _output(layers[0])
    return Autoencoder(encoder, nn.Sequential(*decoders[::-1]), output=output)


def _output(layer: Layer) -> str:
    if isinstance(layer, RBM):
        return "linear" if layer.visible == "gaussian" else "sigmoid"
    return layer.output


def _check_widths(layers: Sequence[Layer], width: int | None = None) -> None:
    """Refuse layers that do not fit on one another, before any of them is trained or copied."""
    if not layers:
        raise ValueError("layers: got none, want at least one")
    for index, layer in enumerate(layers):
        m, d = _dense_of(layer).weight.shape
        if width is not None and width != d:
            raise ValueError(
                f"layers: got layer {index + 1} for {d} values, want one for {width}, as many as "
                "it is given"
            )
        width = m


def _dense_of(layer: Layer) -> Dense | RBM:
    """What holds the weight (m, d) and the bias (m,) of a layer's encoder."""
    if isinstance(layer, RBM):
        return layer
    dense = [module for module in layer.encoder.modules() if isinstance(module, Dense)]
    if len(dense) != 1:
        raise ValueError(f"layers: got an encoder of {len(dense)} dense layers, want 1")
    return dense[0]


def _weights(layer: Layer) -> tuple[Tensor, Tensor, str]:
    """W (m, d), b (m,) and the activation of a layer's encoder."""
    dense = _dense_of(layer)
    if isinstance(dense, RBM):
        return dense.weight, dense.bias, "linear" if dense.hidden == "gaussian" else "sigmoid"
    assert isinstance(layer, Autoencoder)
    others = [module for module in layer.encoder.modules() if not isinstance(module, CONTAINERS)]
    if others:
        raise ValueError(
            f"layers: got an encoder with {type(others[0]).__name__}, want one Dense layer alone"
        )
    return dense.weight, dense.bias, dense.activation


def _decoder_weights(layer: Layer) -> tuple[Tensor, Tensor]:
    """Matrix (d, m) and bias (d,) of a layer's decoder."""
    if isinstance(layer, RBM):
        return layer.weight.T, layer.visible_bias
    if isinstance(layer.decoder, TiedDecoder):
        return _dense_of(layer).weight.T, layer.decoder.biases[0]
    own = [module for module in layer.decoder.modules() if isinstance(module, Dense)]
    if len(own) != 1:
        raise ValueError(f"layers: got a decoder of {len(own)} dense layers, want 1")
    return own[0].weight, own[0].bias


def _dense(W: Tensor, b: Tensor, activation: str) -> Dense:
    m, d = W.shape
    with seeded(0):  # its start is overwritten: the global generator is left as it was
        layer = Dense(d, m, activation).to(device=W.device, dtype=W.dtype)
    with torch.no_grad():
        layer.weight.copy_(W)
        layer.bias.copy_(b)
    return layer
