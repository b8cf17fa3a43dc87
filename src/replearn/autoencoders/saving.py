"""Trained models in files: weights as safetensors, with a description of the layers.

The description is read off the model's layers when it is saved, so that what was changed after the
model was made (``k_test``, a layer in place of another) is saved as it is. No code is stored, and
none is run when a file is read. Weights come back bit for bit, in their dtype, on the CPU.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from replearn._files import write_atomically
from replearn.autoencoders.factorisation import DeepFactorisation
from replearn.autoencoders.layers import Dense, KSparse, TiedDecoder
from replearn.autoencoders.networks import Autoencoder
from replearn.autoencoders.predictive import PredictiveSparse
from replearn.device import seeded

__all__ = ["load_model", "save_model"]

_FORMAT, _VERSION = "replearn model", "1"


def save_model(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a model to a file.

    Parameters
    ----------
    model : nn.Module
        An ``Autoencoder`` of the factories or of ``unroll``, ``PredictiveSparse``,
        ``DeepFactorisation``, ``RBM``, ``Classifier`` or ``stacked_encoder``'s, on any device.
    path : path or str
        The file, which is replaced in one step; folders are made.

    Raises
    ------
    ValueError
        A layer of a kind that can't be rebuilt.
    """
    from safetensors.torch import save

    # Tied matrices are in the state once; contiguous, as the format has no strides.
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    description = json.dumps({"training": model.training, "model": _describe(model)})
    metadata = {"format": _FORMAT, "version": _VERSION, "description": description}
    write_atomically(Path(path), save(state, metadata))


def load_model(path: str | os.PathLike[str]) -> nn.Module:
    """The model that ``save_model`` wrote to ``path``, on the CPU, in the mode it was in.

    Parameters
    ----------
    path : path or str
        The file.

    Returns
    -------
    nn.Module

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        The file is damaged, or ``save_model`` did not write it.
    """
    from safetensors import SafetensorError, safe_open

    source = Path(path)
    refused = f"{source}: got a file that save_model did not write, want one of its models"
    if source.is_dir():
        raise ValueError(f"{source}: got a folder, want a file that save_model wrote")
    try:
        with safe_open(source, framework="pt") as file:
            metadata = file.metadata() or {}
            # Copied out of the mapped file: what happens to it later changes no weight, and
            # they lie where torch's own would, as products round by their operands' alignment.
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(refused) from error
    if metadata.get("format") != _FORMAT:
        raise ValueError(refused)
    if metadata.get("version") != _VERSION:
        raise ValueError(
            f"{source}: got version {metadata.get('version')} of the format, want {_VERSION}"
        )
    try:
        description = json.loads(metadata["description"])
        with seeded(0):  # the weights drawn here are replaced
            model = _build(description["model"])
        model.load_state_dict(state, assign=True)
        model.train(description["training"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(refused) from error
    return model


_Description = dict[str, Any]
_Kind = tuple[type[nn.Module], Callable[[Any], _Description], Callable[[_Description], nn.Module]]


def _describe(module: nn.Module) -> _Description:
    name = type(module).__name__
    kind = _kinds().get(name)
    # Exactly this class: a subclass may hold more than its parent's arguments say.
    if kind is None or type(module) is not kind[0]:
        raise ValueError(f"model: got a {name} in it, want layers and models of replearn")
    return {"kind": name, **kind[1](module)}


def _build(description: Mapping[str, Any]) -> nn.Module:
    arguments = dict(description)
    return _kinds()[arguments.pop("kind")][2](arguments)


def _kinds() -> dict[str, _Kind]:
    """By name: a class, how its arguments are read off, and how it is made from them."""
    # Here, not above: replearn.pretraining builds on this package.
    from replearn.pretraining.classifier import Classifier
    from replearn.pretraining.rbm import RBM

    kinds: list[_Kind] = [
        (Dense, _dense, lambda a: Dense(**a)),
        (KSparse, lambda m: {"k": m.k, "k_test": m.k_test}, lambda a: KSparse(**a)),
        (nn.Sequential, _sequence, lambda a: nn.Sequential(*map(_build, a["layers"]))),
        (nn.Conv2d, _convolution, lambda a: nn.Conv2d(**a)),
        (nn.ReLU, lambda m: {}, lambda a: nn.ReLU()),
        (nn.MaxPool2d, _pooling, lambda a: nn.MaxPool2d(**a)),
        (nn.Upsample, _upsampling, lambda a: nn.Upsample(size=tuple(a["size"]))),
        (nn.Unflatten, _unflatten, lambda a: nn.Unflatten(a["dim"], tuple(a["sizes"]))),
        (nn.Flatten, lambda m: {}, lambda a: nn.Flatten()),
        (Autoencoder, _autoencoder, _build_autoencoder),
        (PredictiveSparse, _predictive, lambda a: PredictiveSparse(**a)),
        (DeepFactorisation, _factorisation, lambda a: DeepFactorisation(**a)),
        (RBM, _rbm, lambda a: RBM(**a)),
        (Classifier, _classifier, lambda a: Classifier(**{**a, "encoder": _build(a["encoder"])})),
    ]
    return {kind[0].__name__: kind for kind in kinds}


def _dense(layer: Dense) -> _Description:
    m, d = layer.weight.shape
    return {"d": d, "m": m, "activation": layer.activation}


def _sequence(layers: nn.Sequential) -> _Description:
    return {"layers": [_describe(layer) for layer in layers]}


def _convolution(layer: nn.Conv2d) -> _Description:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    values = {name: getattr(layer, name) for name in names}
    return {**values, "groups": layer.groups, "bias": layer.bias is not None}


def _pooling(layer: nn.MaxPool2d) -> _Description:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    return {name: getattr(layer, name) for name in names}


def _upsampling(layer: nn.Upsample) -> _Description:
    if layer.size is None or layer.mode != "nearest":
        raise ValueError("model: got an Upsample layer without a size, want one to a given size")
    return {"size": layer.size}


def _unflatten(layer: nn.Unflatten) -> _Description:
    return {"dim": layer.dim, "sizes": list(layer.unflattened_size)}


def _autoencoder(model: Autoencoder) -> _Description:
    tied = isinstance(model.decoder, TiedDecoder)
    return {
        "encoder": _describe(model.encoder),
        "decoder": "tied" if tied else _describe(model.decoder),
        "output": model.output,
    }


def _build_autoencoder(arguments: _Description) -> Autoencoder:
    encoder = _build(arguments["encoder"])
    decoder: nn.Module
    if arguments["decoder"] == "tied":
        decoder = TiedDecoder([layer for layer in encoder.modules() if isinstance(layer, Dense)])
    else:
        decoder = _build(arguments["decoder"])
    return Autoencoder(encoder, decoder, output=arguments["output"])


def _predictive(model: PredictiveSparse) -> _Description:
    settings = {"penalty": model.penalty, "pull": model.pull, "steps": model.steps}
    return {**_dense(model.encoder.layer), **settings}


def _factorisation(model: DeepFactorisation) -> _Description:
    names = ("sizes", "penalty", "activation", "output")
    return {"n": len(model.H), **{name: getattr(model, name) for name in names}}


def _rbm(model: Any) -> _Description:
    m, d = model.weight.shape
    return {"d": d, "m": m, "visible": model.visible, "hidden": model.hidden}


def _classifier(model: Any) -> _Description:
    return {
        "encoder": _describe(model.encoder),
        "m": model.head.in_features,
        "n_classes": model.head.out_features,
        "dropout": model.dropout,
        "input_dropout": model.input_dropout,
    }
