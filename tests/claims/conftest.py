"""A claim's test draws the same numbers at each run, in whatever order the tests are run."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
