"""Nothing is made on torch's default device: results are where the arguments are.

With a GPU as default device, a tensor made without a device would meet the caller's on the CPU and
fail, or hide that the work left it. ``meta`` is such a device on every machine: its tensors hold
nothing, so that no result can come from one.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._device import _device_constructors

import replearn
from tests.replearn import calls

# Drawn from the global generator, whose state both runs must start from.
SEED = 11


def run(name: str, device: str) -> dict[str, Any]:
    """The parts of a call's result, called with that default device."""
    prepared = calls.CALLS[name].prepared()
    torch.default_generator.manual_seed(SEED)
    with torch.device(device):
        return calls.parts(prepared())


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Where two results differ, or are elsewhere than on the CPU."""
    if found.keys() != wanted.keys():
        return sorted(found.keys() ^ wanted.keys())
    different = []
    for where, value in wanted.items():
        other = found[where]
        if isinstance(value, Tensor):
            same = other.device.type == "cpu" and torch.equal(
                torch.nan_to_num(other), torch.nan_to_num(value)
            )
        elif isinstance(value, np.ndarray):
            same = np.array_equal(other, value)
        else:
            same = other == value or (other != other and value != value)
        if not same:
            different.append(where)
    return different


@pytest.mark.parametrize("name", sorted(calls.CALLS))
def test_results_do_not_depend_on_the_default_device(name: str) -> None:
    wanted = run(name, "cpu")
    assert differences(run(name, "meta"), wanted) == []


def test_a_tensor_on_the_default_device_is_found() -> None:
    with torch.device("meta"):
        made = calls.parts([torch.zeros(2)])
    assert differences(made, calls.parts([torch.zeros(2)])) == ["result[0]"]


def without_a_device(source: str) -> list[str]:
    """Calls of torch's factories that name no device, nor pass on what may hold one."""
    factories = {function.__name__ for function in _device_constructors()}
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "torch"
        and node.func.attr in factories
        and not {keyword.arg for keyword in node.keywords} & {"device", None}
    ]


def test_every_factory_names_its_device() -> None:
    """Also on the branches that no call above takes."""
    package = Path(replearn.__file__).parent
    found = {
        path.relative_to(package).as_posix(): without_a_device(path.read_text())
        for path in package.rglob("*.py")
    }
    assert {path: calls_ for path, calls_ in found.items() if calls_} == {}


def test_a_factory_without_a_device_is_found() -> None:
    assert without_a_device("torch.zeros(3)") == ["line 1: torch.zeros(3)"]
    assert without_a_device("torch.zeros(3, device=X.device)") == []
