"""The kinds of layers and models that a file can hold: how each is described and made again.

torch's layers are described by all the arguments of their constructors, as their signatures list
them, so that no option can be left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from replearn.autoencoders.factorisation import DeepFactorisation
from replearn.autoencoders.layers import Dense, KSparse, TiedDecoder
from replearn.autoencoders.networks import Autoencoder
from replearn.autoencoders.predictive import PredictiveSparse

Description = dict[str, Any]
Kind = tuple[type[nn.Module], Callable[[Any], Description], Callable[[Description], nn.Module]]

#: Layers of torch, each described by the arguments of its constructor.
TORCH_LAYERS: tuple[type[nn.Module], ...] = (
    nn.AvgPool2d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.Conv2d,
    nn.ConvTranspose2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.ELU,
    nn.Flatten,
    nn.GELU,
    nn.Identity,
    nn.LayerNorm,
    nn.LeakyReLU,
    nn.Linear,
    nn.MaxPool2d,
    nn.ReLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Tanh,
    nn.Unflatten,
    nn.Upsample,
)
# Where a layer lies, and in which dtype, is said by its weights.
_OF_WEIGHTS = ("device", "dtype")


def describe(module: nn.Module) -> Description:
    """What ``build`` makes the module from again, but for its weights.

    Raises
    ------
    ValueError
        The module is of no kind that is known, or a part of it is.
    """
    name = type(module).__name__
    kind = layer_kinds().get(name)
    # Exactly this class: a subclass may hold more than its parent's arguments say.
    if kind is None or type(module) is not kind[0]:
        known = ", ".join(layer.__name__ for layer in TORCH_LAYERS)
        raise ValueError(
            f"model: got a {name} in it, want layers and models of replearn, or of torch {known}"
        )
    return {"kind": name, **kind[1](module)}


def build(description: Mapping[str, Any]) -> nn.Module:
    """The module of a description, with weights of its own."""
    arguments = dict(description)
    return layer_kinds()[arguments.pop("kind")][2](arguments)


def layer_kinds() -> dict[str, Kind]:
    """By name: a class, how its arguments are read off, and how it is made from them."""
    # Here, not above: replearn.pretraining builds on this package.
    from replearn.pretraining.classifier import Classifier
    from replearn.pretraining.rbm import RBM

    known: list[Kind] = [(layer, options, _maker(layer)) for layer in TORCH_LAYERS]
    known += [
        (Dense, _dense, lambda a: Dense(**a)),
        (KSparse, lambda m: {"k": m.k, "k_test": m.k_test}, lambda a: KSparse(**a)),
        (nn.Sequential, _sequence, lambda a: nn.Sequential(*map(build, a["layers"]))),
        (Autoencoder, _autoencoder, _build_autoencoder),
        (PredictiveSparse, _predictive, lambda a: PredictiveSparse(**a)),
        (DeepFactorisation, _factorisation, lambda a: DeepFactorisation(**a)),
        (RBM, _rbm, lambda a: RBM(**a)),
        (Classifier, _classifier, lambda a: Classifier(**{**a, "encoder": build(a["encoder"])})),
    ]
    return {kind[0].__name__: kind for kind in known}


def arguments_of(layer: type[nn.Module]) -> Iterator[str]:
    """Names of the arguments that a layer's constructor takes, but for device and dtype."""
    for name, parameter in inspect.signature(layer).parameters.items():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if name not in _OF_WEIGHTS and not variable:
            yield name


def options(layer: nn.Module) -> Description:
    """The arguments of a layer's constructor, read off its attributes."""
    found = {name: getattr(layer, name) for name in arguments_of(type(layer))}
    return found | ({"bias": found["bias"] is not None} if "bias" in found else {})


def _maker(layer: type[nn.Module]) -> Callable[[Description], nn.Module]:
    # JSON has no tuples.
    return lambda a: layer(**{k: tuple(v) if isinstance(v, list) else v for k, v in a.items()})


def _dense(layer: Dense) -> Description:
    m, d = layer.weight.shape
    return {"d": d, "m": m, "activation": layer.activation}


def _sequence(layers: nn.Sequential) -> Description:
    return {"layers": [describe(layer) for layer in layers]}


def _autoencoder(model: Autoencoder) -> Description:
    tied = isinstance(model.decoder, TiedDecoder)
    return {
        "encoder": describe(model.encoder),
        "decoder": "tied" if tied else describe(model.decoder),
        "output": model.output,
    }


def _build_autoencoder(arguments: Description) -> Autoencoder:
    encoder = build(arguments["encoder"])
    decoder: nn.Module
    if arguments["decoder"] == "tied":
        decoder = TiedDecoder([layer for layer in encoder.modules() if isinstance(layer, Dense)])
    else:
        decoder = build(arguments["decoder"])
    return Autoencoder(encoder, decoder, output=arguments["output"])


def _predictive(model: PredictiveSparse) -> Description:
    settings = {"penalty": model.penalty, "pull": model.pull, "steps": model.steps}
    return {**_dense(model.encoder.layer), **settings}


def _factorisation(model: DeepFactorisation) -> Description:
    names = ("sizes", "penalty", "activation", "output")
    return {"n": len(model.H), **{name: getattr(model, name) for name in names}}


def _rbm(model: Any) -> Description:
    m, d = model.weight.shape
    return {"d": d, "m": m, "visible": model.visible, "hidden": model.hidden}


def _classifier(model: Any) -> Description:
    return {
        "encoder": describe(model.encoder),
        "m": model.head.in_features,
        "n_classes": model.head.out_features,
        "dropout": model.dropout,
        "input_dropout": model.input_dropout,
    }
