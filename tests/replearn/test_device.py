"""Choosing a device and seeding."""

import random

import numpy as np
import pytest
import torch

from replearn.device import default_device, seed_everything, seeded


def test_without_a_choice_it_is_cuda_where_there_is_one(monkeypatch):
    monkeypatch.delenv("REPLEARN_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert default_device() == torch.device("cpu")


def test_the_variable_decides(monkeypatch):
    monkeypatch.setenv("REPLEARN_DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["toaster", "cuda:99"])
def test_a_device_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.setenv("REPLEARN_DEVICE", name)
    with pytest.raises(ValueError, match=f"REPLEARN_DEVICE is '{name}', wanted a device"):
        default_device()


def draws():
    return random.random(), np.random.rand(), torch.rand(3).tolist()


def test_seeding_repeats_every_generator():
    generator = seed_everything(7)
    first, ours = draws(), torch.rand(3, generator=generator).tolist()
    again = seed_everything(7)
    assert draws() == first
    assert torch.rand(3, generator=again).tolist() == ours == first[2]
    seed_everything(8)
    different = draws()
    assert all(a != b for a, b in zip(first, different, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_named(seed):
    with pytest.raises(ValueError, match=f"seed is {seed}, wanted"):
        seed_everything(seed)


def test_a_seeded_block_leaves_the_generator_as_it_was():
    torch.manual_seed(5)
    want = torch.rand(2)
    torch.manual_seed(5)
    draws = []
    for _ in range(2):
        with seeded(1):
            draws.append(torch.rand(3))
    assert torch.equal(*draws)
    assert torch.equal(torch.rand(2), want)
    with pytest.raises(ValueError, match=r"seed: got 0\.5, want an integer"), seeded(0.5):
        pass
