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

from replearn.autoencoders.layers import Dense, dense_stack
from replearn.autoencoders.networks import Autoencoder
from replearn.pretraining.rbm import RBM
from replearn.training import History, train

__all__ = ["encode", "greedy", "stacked_encoder", "unroll"]

Layer = Autoencoder | RBM
_ROWS = 4096  # samples encoded at a time


def greedy(
    layers: Sequence[Layer],
    X: Tensor,
    losses: Callable[..., Tensor] | Sequence[Callable[..., Tensor]],
    *,
    checkpoint: Path | str | None = None,
    **settings: Any,
) -> list[History]:
    """Train each layer in place on the codes of those below.

    Parameters
    ----------
    layers : single-layer autoencoders or RBMs; the width of each code is that of the next input.
    X : (n, d), the samples.
    losses : one for all layers or one for each: ``objective(...)`` or ``contrastive_divergence``.
    checkpoint : file; layer l writes ``name.l`` beside it. A run that was interrupted goes on with
        the layer and epoch it was in.
    settings : of ``replearn.training.train`` (epochs, batch_size, lr, optimizer, seed, progress).

    Returns
    -------
    The history of each layer.

    Raises
    ------
    ValueError : no layers, not as many losses as layers, or widths that do not fit.
    """
    chosen = [losses] * len(layers) if callable(losses) else list(losses)
    if not layers or len(chosen) != len(layers):
        raise ValueError(
            f"losses: got {len(chosen)} for {len(layers)} layers, want one for all, or one each"
        )
    histories = []
    H = X
    for index, (layer, loss) in enumerate(zip(layers, chosen, strict=True)):
        d = _weights(layer)[0].shape[1]
        if H.shape[1] != d:
            raise ValueError(f"layers: layer {index + 1} takes {d} values, gets {H.shape[1]}")
        path = None if checkpoint is None else Path(f"{checkpoint}.{index + 1}")
        histories.append(train(layer, H, loss=loss, checkpoint=path, **settings))
        if index + 1 < len(layers):
            H = encode(layer, H)
    return histories


@torch.no_grad()
def encode(model: Layer, X: Tensor, rows: int = _ROWS) -> Tensor:
    """Codes (n, m) of X (n, d) in evaluation mode, so many rows at a time."""
    training = model.training
    model.eval()
    codes = torch.cat([model.encode(X[i : i + rows]) for i in range(0, len(X), rows)])
    model.train(training)
    return codes


def stacked_encoder(layers: Sequence[Layer]) -> nn.Sequential:
    """The encoders of trained layers on top of one another: Dense layers with copied weights."""
    return nn.Sequential(*(_dense(*_weights(layer)) for layer in layers))


def unroll(layers: Sequence[Layer], *, output: str = "sigmoid") -> Autoencoder:
    """The deep autoencoder of trained layers, with copied weights.

    The decoder's matrices start as the transposes of the RBMs', or as those of the layers' own
    decoders, and are free from then on.

    Parameters
    ----------
    layers : from the input to the code. output : of the deep autoencoder.
    """
    decoders = []
    for below, layer in zip([None, *layers[:-1]], layers, strict=True):
        W, c = _decoder_weights(layer)
        activation = "linear" if below is None else _weights(below)[2]
        decoders.append(_dense(W, c, activation))
    model = Autoencoder(stacked_encoder(layers), nn.Sequential(*decoders[::-1]), output=output)
    encoder = [_weights(layer) for layer in layers]
    model.recipe = {
        "factory": "dense_autoencoder",
        "sizes": [encoder[0][0].shape[1], *(len(W) for W, _, _ in encoder)],
        "activation": encoder[0][2],
        "code": encoder[-1][2],
        "output": output,
    }
    return model


def _weights(layer: Layer) -> tuple[Tensor, Tensor, str]:
    """W (m, d), b (m,) and the activation of a layer's encoder."""
    if isinstance(layer, RBM):
        return layer.weight, layer.bias, "linear" if layer.hidden == "gaussian" else "sigmoid"
    dense = [module for module in layer.encoder.modules() if isinstance(module, Dense)]
    if len(dense) != 1:
        raise ValueError(f"layers: got an encoder of {len(dense)} dense layers, want 1")
    return dense[0].weight, dense[0].bias, dense[0].activation


def _decoder_weights(layer: Layer) -> tuple[Tensor, Tensor]:
    """Matrix (d, m) and bias (d,) of a layer's decoder."""
    if isinstance(layer, RBM):
        return layer.weight.T, layer.visible_bias
    own = [module for module in layer.decoder.modules() if isinstance(module, Dense)]
    if own:
        return own[0].weight, own[0].bias
    return _weights(layer)[0].T, next(layer.decoder.parameters())


def _dense(W: Tensor, b: Tensor, activation: str) -> Dense:
    m, d = W.shape
    layer: Dense = dense_stack([d, m], activation, activation)[0]  # type: ignore[assignment]
    layer = layer.to(device=W.device, dtype=W.dtype)
    with torch.no_grad():
        layer.weight.copy_(W)
        layer.bias.copy_(b)
    return layer
