"""Trained models in files: weights as safetensors, with a description of the layers.

The description is read off the model's layers when it is saved, so that what was changed after the
model was made (``k_test``, a layer in place of another) is saved as it is. Before anything is
written, the model is made again from its description and compared: what a file does not hold is
refused, not left out. No code is stored, and none is run when a file is read. Weights come back bit
for bit, in their dtype, on the CPU; each module in its mode, each weight frozen or not, as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from replearn._checkpoint import fingerprint
from replearn._files import write_atomically
from replearn.autoencoders.kinds import build, describe
from replearn.device import seeded

__all__ = ["load_model", "save_model"]

_FORMAT, _VERSION = "replearn model", "2"
# Of a module's attributes these are compared by themselves, or come back with the rest.
_APART = frozenset({"_parameters", "_buffers", "_modules", "training"})


def save_model(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a model to a file.

    Parameters
    ----------
    model : nn.Module
        An ``Autoencoder`` of the factories or of ``unroll``, ``PredictiveSparse``,
        ``DeepFactorisation``, ``RBM``, ``Classifier`` or ``stacked_encoder``'s, on any device, or
        one of those with layers of torch in it: those that it knows are in
        ``replearn.autoencoders.kinds``.
    path : path or str
        The file, which is replaced in one step; folders are made.

    Raises
    ------
    ValueError
        The model would not come back as it is: a layer of a kind that can't be rebuilt, or
        something that was added to one, such as a hook, a parametrisation, an attribute, or
        weights that two layers share.

    Examples
    --------
    >>> import tempfile
    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([6, 3])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model")
    ...     again = load_model(f"{folder}/model")
    >>> torch.equal(again.encoder[0].weight, model.encoder[0].weight)
    True
    """
    from safetensors.torch import save

    if not isinstance(model, nn.Module):
        raise ValueError(f"model: got {type(model).__name__}, want a torch.nn.Module")
    description = json.dumps(
        {
            "model": _plain(describe(model)),
            "training": [name for name, module in model.named_modules() if module.training],
            "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
        }
    )
    try:
        with seeded(0):
            rebuilt = build(json.loads(description)["model"])
    except (TypeError, RuntimeError) as error:  # options that were changed to none of the layer's
        raise _refused("", f"options that make no model ({error})") from error
    _check_same(model, rebuilt)
    # Contiguous, as the format has no strides.
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "description": description,
        "digest": _digest(description, state),
    }
    write_atomically(Path(path), save(state, metadata))


def load_model(path: str | os.PathLike[str]) -> nn.Module:
    """The model that ``save_model`` wrote to ``path``, on the CPU, as it was.

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

    Examples
    --------
    >>> load_model("no such file")
    Traceback (most recent call last):
    FileNotFoundError: No such file or directory: no such file
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
            model = build(description["model"])
        model.load_state_dict(state, assign=True)
        training, frozen = set(description["training"]), set(description["frozen"])
        for name, module in model.named_modules():
            module.training = name in training
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name not in frozen)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(refused) from error
    if metadata.get("digest") != _digest(metadata["description"], state):
        raise ValueError(f"{source}: got a file that has changed since save_model wrote it")
    return model


def _digest(description: str, state: Mapping[str, Tensor]) -> str:
    """Of all that a file holds: its format itself does not tell a changed bit."""
    digest = hashlib.sha256(description.encode())
    for name in sorted(state):
        digest.update(f"{name} {fingerprint(state[name])}".encode())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """A description in JSON's types; refuses what has none."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not (value is None or isinstance(value, bool | int | float | str)):
        raise ValueError(f"model: got an option {value!r}, want numbers and texts")
    return value


def _check_same(model: nn.Module, rebuilt: nn.Module) -> None:
    """Refuse a model that is not made again by its description, weights apart."""
    ours, theirs = dict(model.named_modules()), dict(rebuilt.named_modules())
    for name in ours.keys() - theirs.keys():
        raise _refused("", f"a part {name!r} (those of a Sequential are numbered)")
    for name in theirs.keys() - ours.keys():  # modules are named once
        raise _refused("", f"one layer in two places, the second {name!r}")
    for name in ours:
        kinds = [type(modules[name]) for modules in (ours, theirs)]
        if kinds[0] is not kinds[1]:
            raise _refused(name, f"a {kinds[0].__name__} in place of a {kinds[1].__name__}")
    places = {id(module): name for modules in (ours, theirs) for name, module in modules.items()}
    for name, module in ours.items():
        _check_attributes(name, vars(module), vars(theirs[name]), lambda m: places.get(id(m)))
    for of in (nn.Module.named_parameters, nn.Module.named_buffers):
        _check_tensors(
            dict(of(model, remove_duplicate=False)), dict(of(rebuilt, remove_duplicate=False))
        )
    extra = [name for name in model.state_dict() if name not in rebuilt.state_dict()]
    if extra:
        raise _refused("", f"a state {extra[0]!r}")


def _check_attributes(
    where: str,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    place: Callable[[object], str | None],
) -> None:
    """Refuse attributes of a module, its hooks among them, that its description does not say."""
    for name in sorted(ours.keys() | theirs.keys()):
        if name in _APART:
            continue
        if name not in ours or not _equal(ours[name], theirs.get(name, ours), place):
            what = "a hook" if "hook" in name else f"an attribute {name!r}"
            raise _refused(where, what)


def _equal(a: Any, b: Any, place: Callable[[object], str | None]) -> bool:
    """Whether two attributes are equal; modules are where their places are."""
    if isinstance(a, nn.Module):
        return place(a) is not None and place(a) == place(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_equal(x, y, place) for x, y in zip(a, b, strict=True))
    return not isinstance(a, Tensor) and bool(a == b)


def _check_tensors(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    """Refuse weights that were added or left out, have other shapes, or are shared otherwise."""
    for name in sorted(ours.keys() ^ theirs.keys()):
        raise _refused("", f"weights {name!r} more or less")
    for name, value in ours.items():
        if value.shape != theirs[name].shape:
            raise _refused("", f"weights {name!r} of shape {tuple(value.shape)}")
        if value._backward_hooks or getattr(value, "_post_accumulate_grad_hooks", None):
            raise _refused("", f"a hook on weights {name!r}")
        if value.layout != torch.strided or value.is_meta or value.is_quantized:
            raise _refused("", f"weights {name!r} that are sparse, quantised or on meta")
    if _shared(ours) != _shared(theirs):
        raise _refused("", "weights that layers share")


def _shared(tensors: Mapping[str, Tensor]) -> set[frozenset[str]]:
    """The groups of names that stand for one memory."""
    groups: dict[int, list[str]] = {}
    for name, value in tensors.items():
        if value.numel():
            groups.setdefault(value.untyped_storage().data_ptr(), []).append(name)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def _refused(where: str, what: str) -> ValueError:
    place = f" in {where!r}" if where else ""
    return ValueError(f"model: got {what}{place}, which a file does not hold, want none")
