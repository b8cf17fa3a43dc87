"""Choosing a device and seeding."""

import pytest
import torch

from replearn.device import default_device, seeded


def test_without_a_choice_it_is_cuda_where_there_is_one(monkeypatch):
    monkeypatch.delenv("REPLEARN_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert default_device() == torch.device("cpu")


def test_the_environment_variable_chooses_the_device(monkeypatch):
    monkeypatch.setenv("REPLEARN_DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["toaster", "cuda:99"])
def test_a_device_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.setenv("REPLEARN_DEVICE", name)
    with pytest.raises(ValueError, match=f"REPLEARN_DEVICE: got '{name}', want a device"):
        default_device()


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
