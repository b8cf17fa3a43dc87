"""Manifolds: the points obey the equations of the manifold, the noise has its deviation."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.data import circle, spiral, swiss_roll, two_moons

# A deadline would make the tests depend on how busy the machine is.
no_deadline = settings(deadline=None)
ALL = [circle, spiral, swiss_roll, two_moons]
sizes, seeds = st.integers(1, 200), st.integers(0, 2**32)


@no_deadline
@given(sizes, seeds, st.floats(0.1, 10))
def test_spiral_obeys_its_equation(n, seed, turns):
    X, t = spiral(n, turns=turns, seed=seed, dtype=torch.float64)
    assert X.shape == (n, 2)
    assert t.shape == (n,)
    assert torch.all((t >= 0) & (t < 2 * math.pi * turns))
    r = t / (2 * math.pi * turns)
    torch.testing.assert_close(X, torch.stack((r * t.cos(), r * t.sin()), 1))


@no_deadline
@given(sizes, seeds)
def test_swiss_roll_obeys_its_equation(n, seed):
    X, t = swiss_roll(n, seed=seed, dtype=torch.float64)
    assert X.shape == (n, 3)
    assert torch.all((t >= 1.5 * math.pi) & (t < 4.5 * math.pi))
    torch.testing.assert_close(X[:, 0], t * t.cos())
    torch.testing.assert_close(X[:, 2], t * t.sin())
    assert torch.all((X[:, 1] >= 0) & (X[:, 1] < 21))


@no_deadline
@given(sizes, seeds, st.floats(0.01, 100))
def test_circle_has_its_radius(n, seed, radius):
    X, angle = circle(n, radius=radius, seed=seed, dtype=torch.float64)
    assert X.shape == (n, 2)
    torch.testing.assert_close(X.norm(dim=1), torch.full((n,), radius, dtype=torch.float64))
    assert torch.all((angle >= 0) & (angle < 2 * math.pi))
    torch.testing.assert_close(X[:, 0], radius * angle.cos())
    torch.testing.assert_close(X[:, 1], radius * angle.sin())


@no_deadline
@given(sizes, seeds)
def test_moons_are_half_circles_and_balanced(n, seed):
    X, y = two_moons(n, seed=seed, dtype=torch.float64)
    assert y.dtype == torch.int64
    assert y.tolist() == [i % 2 for i in range(n)]
    upper, lower = X[y == 0], X[y == 1] - torch.tensor([1.0, 0.5], dtype=torch.float64)
    for points in (upper, -lower):
        torch.testing.assert_close(points.norm(dim=1), torch.ones(len(points)).double())
        assert torch.all(points[:, 1] >= 0)


def test_positions_fill_their_range_evenly():
    _, angle = circle(10_000)
    _, t = spiral(10_000, turns=2)
    _, u = swiss_roll(10_000)
    for value, low, high in (
        (angle, 0, 2 * math.pi),
        (t, 0, 4 * math.pi),
        (u, 1.5 * math.pi, 4.5 * math.pi),
    ):
        counts = torch.histc(value, 10, low, high)
        # 1,000 expected in each tenth, standard deviation 30: five deviations.
        assert torch.all((counts - 1000).abs() < 150)


@pytest.mark.parametrize("make", ALL)
def test_noise_is_a_standard_deviation_and_leaves_the_positions(make):
    clean, position = make(20_000, seed=3)
    noisy, same = make(20_000, noise=0.3, seed=3)
    assert torch.equal(position, same)
    difference = noisy - clean
    # Standard error of the deviation 0.3 / sqrt(2 * 40,000) = 0.0011, of the mean 0.0015.
    assert difference.std() == pytest.approx(0.3, abs=0.006)
    assert difference.mean() == pytest.approx(0, abs=0.008)


@pytest.mark.parametrize("make", ALL)
def test_seed_decides_and_dtype_follows(make):
    X, position = make(50, seed=1, noise=0.1)
    assert X.dtype == torch.float32
    assert position.dtype in (torch.float32, torch.int64)
    assert torch.equal(make(50, seed=1, noise=0.1)[0], X)
    assert not torch.equal(make(50, seed=2, noise=0.1)[0], X)
    exact = make(50, seed=1, noise=0.1, dtype=torch.float64)[0]
    assert exact.dtype == torch.float64
    torch.testing.assert_close(exact.float(), X)


@pytest.mark.parametrize("make", ALL)
def test_global_random_numbers_are_left_alone(make):
    before = torch.get_rng_state()
    make(5, noise=1.0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n": 0}, "n: got 0"),
        ({"n": 5.5}, "n: got 5.5, want an integer"),
        ({"n": 5, "seed": "x"}, "seed: got 'x', want an integer"),
        ({"n": 5, "dtype": torch.int64}, "dtype: got torch.int64, want a floating one"),
        ({"n": 5, "dtype": "float32"}, "dtype: got 'float32', want a floating one"),
        ({"n": 5, "noise": -0.1}, "noise: got -0.1"),
        ({"n": 5, "noise": math.nan}, "noise: got nan"),
    ],
)
def test_bad_arguments_are_named(make, arguments, said):
    with pytest.raises(ValueError, match=said):
        make(**arguments)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, math.nan])
def test_turns_and_radius_must_be_positive(bad):
    with pytest.raises(ValueError, match="turns: got"):
        spiral(5, turns=bad)
    with pytest.raises(ValueError, match="radius: got"):
        circle(5, radius=bad)
