"""The examples in docstrings run as they are printed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
import torch

import gradekit
import replearn

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules_with_examples() -> list[str]:
    """Names of the modules whose text has a prompt; the others are not imported for it."""
    found = []
    for package in (replearn, gradekit):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = importlib.util.find_spec(module.name)
            assert spec is not None
            if spec.loader is not None and ">>> " in (spec.loader.get_source(module.name) or ""):
                found.append(module.name)
    return found


def test_there_are_examples():
    assert len(modules_with_examples()) >= 10


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_of(name, monkeypatch):
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")
    module = importlib.import_module(name)
    torch.manual_seed(0)
    np.random.seed(0)
    failed, tried = doctest.testmod(module, optionflags=FLAGS)
    assert failed == 0, f"{failed} of {tried} examples of {name} failed; they are printed above"
