"""The one place that chooses a device, and a seeded stretch of torch's generator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from replearn._validate import check_seed

__all__ = ["default_device", "seeded"]


def default_device() -> torch.device:
    """Return the device for new tensors and models.

    ``$REPLEARN_DEVICE`` (for example ``cpu`` or ``cuda:1``) where that is set, otherwise CUDA
    where there is one, otherwise the CPU.  Functions of this library never ask, nor do they use
    torch's own default device: they work where the tensors they are given lie, and what is made
    from no tensor (a data set, a model) is made on the CPU.

    Returns
    -------
    torch.device
        One that this machine has.

    Raises
    ------
    ValueError
        REPLEARN_DEVICE names no device, or one that this machine does not have.

    Examples
    --------
    >>> torch.zeros(3, device=default_device()).shape
    torch.Size([3])
    """
    cuda = torch.cuda.is_available()
    chosen = os.environ.get("REPLEARN_DEVICE")
    if not chosen:
        return torch.device("cuda" if cuda else "cpu")
    try:
        device = torch.device(chosen)
        torch.empty(0, device=device)
    # torch reports an absent device as a RuntimeError, an AssertionError or NotImplementedError
    # (a RuntimeError too), depending on how it was built.
    except (RuntimeError, AssertionError) as error:
        there = "cpu or cuda" if cuda else "cpu"
        raise ValueError(
            f"REPLEARN_DEVICE: got {chosen!r}, want a device of this machine, such as {there}"
        ) from error
    return device


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's generator of the CPU, seeded, inside the block; leave it as it was.

    What is made inside is made on the CPU, whatever torch's default device is.

    Parameters
    ----------
    seed : int
        At most 64 bits.

    Raises
    ------
    ValueError
        seed does not fit.

    Examples
    --------
    >>> with seeded(0):
    ...     a = torch.rand(2)
    >>> with seeded(0):
    ...     b = torch.rand(2)
    >>> torch.equal(a, b)
    True
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(check_seed(seed))
        yield
