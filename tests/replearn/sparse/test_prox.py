"""Thresholds: each against the minimisation that defines it, and against the others."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replearn.sparse import hard_threshold, nonnegative_threshold, sign_clamp, soft_threshold

ALL = [soft_threshold, hard_threshold, nonnegative_threshold, sign_clamp]
numbers = st.floats(-1e3, 1e3, allow_subnormal=False)
thresholds = st.floats(0, 1e3, allow_subnormal=False)


def scalar(value):
    return torch.tensor([value], dtype=torch.float64)


@given(z=numbers, t=thresholds, other=numbers)
def test_soft_and_nonnegative_thresholds_minimise_what_they_should(z, t, other):
    def value(h):
        return 0.5 * (h - z) ** 2 + t * abs(h)

    slack = 1e-12 * (1 + z**2 + t * abs(z))
    assert value(float(soft_threshold(scalar(z), t))) <= value(other) + slack
    h = float(nonnegative_threshold(scalar(z), t))
    assert h >= 0
    assert value(h) <= value(abs(other)) + slack


@given(z=numbers, s=thresholds, other=numbers)
def test_the_hard_threshold_minimises_the_count(z, s, other):
    def value(h):
        return 0.5 * (h - z) ** 2 + s**2 / 2 * (h != 0)

    h = float(hard_threshold(scalar(z), s))
    assert value(h) <= value(other) + 1e-12 * (1 + z**2 + s**2)
    assert h in (0.0, z)


@given(z=numbers, t=thresholds)
def test_the_sign_clamp_is_the_soft_threshold(z, t):
    assert float(sign_clamp(scalar(z), t)) == float(soft_threshold(scalar(z), t))


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_threshold_for_each_row(function, dtype):
    Z = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=dtype)
    t = torch.tensor([0.0, 0.5, 1.0, 10.0], dtype=dtype)
    rows = torch.stack([function(z, float(s)) for z, s in zip(Z, t, strict=True)])
    assert torch.equal(function(Z, t[:, None]), rows)
    assert function(Z, t[:, None]).dtype == dtype
    assert torch.equal(rows[3], torch.zeros(5, dtype=dtype))


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(
    ("Z", "t", "message"),
    [
        ([1.0], 0.1, r"Z: got list, want a floating torch tensor"),
        (torch.tensor([1]), 0.1, r"Z: got dtype torch.int64, want a floating one"),
        (torch.ones(2), -0.1, r"t: got -0.1, want a number of at least 0"),
        (torch.ones(2), math.nan, r"t: got nan, want a number of at least 0"),
        (torch.ones(2), "a", r"t: got 'a', want a number of at least 0"),
        (torch.ones(2), torch.tensor([0.1, -0.1]), r"t: got negative values or NaN"),
        (torch.ones(2), torch.ones(3), r"t: got shape \(3,\), want one that broadcasts"),
        (torch.ones(2), torch.ones(3, 2), r"t: got shape \(3, 2\), want one that broadcasts"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(function, Z, t, message):
    with pytest.raises(ValueError, match=message):
        function(Z, t)
