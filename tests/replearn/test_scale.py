"""Powers of two: exact in both directions, also where the power itself is no number."""

import math

import pytest
import torch

from replearn._scale import exponent, exponents, float_times_power, times_power


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_largest_value_is_brought_between_a_half_and_one(dtype):
    info = torch.finfo(dtype)
    for value in (1.0, 0.75, -3.0, info.max, info.tiny, info.smallest_normal / 4):
        X = torch.tensor([[value, 0.0]], dtype=dtype)
        k = exponent(X)
        scaled = times_power(X, -k)
        assert 0.5 <= float(scaled.abs().max()) < 1
        assert torch.equal(times_power(scaled, k), X)
    assert exponent(torch.zeros(2, 2, dtype=dtype)) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_and_columns_are_brought_there_each_by_itself(dtype):
    info = torch.finfo(dtype)
    ends = torch.tensor([info.max, info.tiny, info.smallest_normal / 4, 1.0, 0.0], dtype=dtype)
    X = torch.stack([ends, ends / -4], 1)
    for dim in (0, 1):
        k = exponents(X, dim).unsqueeze(dim)
        scaled = times_power(X, -k)
        largest = scaled.abs().amax(dim)
        filled = X.abs().amax(dim) > 0
        assert ((largest[filled] >= 0.5) & (largest[filled] < 1)).all()
        assert (exponents(X, dim)[~filled] == 0).all()
        if dim == 1:
            assert torch.equal(times_power(scaled, k), X)
        alone = [exponent(part) for part in X.unbind(1 - dim)]
        assert exponents(X, dim).tolist() == alone


def test_a_float_becomes_infinite_and_not_an_error():
    assert float_times_power(1.5, 3) == 12
    assert float_times_power(1.0, 5000) == math.inf
    assert float_times_power(-1.0, 5000) == -math.inf
    assert float_times_power(1.0, -5000) == 0
    assert float_times_power(0.0, 5000) == 0
