"""The claims of the page on removing noise, one test each. Everything is float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.images import all_patches, assemble

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)


def normal(*shape, g):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@claim("lem-dict-overlap")
@given(seeds)
@many
def test_averaging_overlaps_is_least_squares_and_gains_the_disagreement(seed):
    g = torch.Generator().manual_seed(seed)
    h, w, size = 6, 7, 3
    stride = 1 + seed % size
    truth = normal(h, w, g=g)
    patches = all_patches(truth, size, stride)
    patches = patches + normal(*patches.shape, g=g)
    average = assemble(patches, (h, w), size, stride)
    # least squares, with the operator that cuts patches written out as a matrix
    cut = torch.stack(
        [
            all_patches(e.reshape(h, w), size, stride).flatten()
            for e in torch.eye(h * w, dtype=truth.dtype)
        ],
        1,
    )
    solution = torch.linalg.lstsq(cut, patches.flatten()[:, None]).solution.reshape(h, w)
    assert torch.allclose(average, solution, atol=1e-8)
    count = cut.sum(0).reshape(h, w)
    left = (count * (average - truth) ** 2).sum()
    right = (patches - all_patches(truth, size, stride)).square().sum()
    disagreement = (patches - all_patches(average, size, stride)).square().sum()
    assert float(right - left) == pytest.approx(float(disagreement), rel=1e-8, abs=1e-10)
    assert left <= right + 1e-10
