"""Total variation against its closed forms, its optimality and a long run."""

import pytest
import torch

from replearn.images import total_variation


def step_and_noise(seed: int = 0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    image = torch.zeros(16, 20, dtype=torch.float64)
    image[:, 10:] = 1
    return image + 0.1 * torch.randn(image.shape, generator=g, dtype=torch.float64)


def tv(u: torch.Tensor) -> float:
    down, right = torch.zeros_like(u), torch.zeros_like(u)
    down[:-1], right[:, :-1] = u.diff(dim=0), u.diff(dim=1)
    return float(torch.hypot(down, right).sum())


def objective(u: torch.Tensor, f: torch.Tensor, weight: float, mask=None) -> float:
    known = torch.ones_like(f, dtype=torch.bool) if mask is None else mask
    return 0.5 * float((u - f)[known].square().sum()) + weight * tv(u)


def holes(f: torch.Tensor) -> torch.Tensor:
    return torch.rand(f.shape, generator=torch.Generator().manual_seed(1)) > 0.4


def test_a_step_loses_height_as_in_the_closed_form():
    # One edge of length 6 between halves of 6 x 4 pixels: each moves by weight * 6 / 24.
    f = torch.zeros(6, 8, dtype=torch.float64)
    f[:, 4:] = 1
    u = total_variation(f, 0.4, tol=1e-7)
    expected = torch.where(f > 0, 0.9, 0.1).double()
    # The gap, 1e-7 of an objective near 2, bounds half the squared distance: below 7e-4.
    torch.testing.assert_close(u, expected, atol=7e-4, rtol=0)


def test_a_large_weight_leaves_the_mean():
    f = step_and_noise()  # objective near 40: half the squared distance is at most 4e-5
    u = total_variation(f, 5.0, tol=1e-6)
    torch.testing.assert_close(u, torch.full_like(f, float(f.mean())), atol=9e-3, rtol=0)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weight", [0.02, 0.2])
def test_stops_within_the_promised_share_of_the_minimum(masked, weight):
    f = step_and_noise()
    mask = holes(f) if masked else None
    short = total_variation(f, weight, mask=mask, tol=1e-2)
    long = total_variation(f, weight, mask=mask, tol=0, max_iter=1500)
    least = objective(long, f, weight, mask)
    assert least <= objective(f, f, weight, mask)
    assert objective(short, f, weight, mask) <= (1 + 1.02e-2) * least
    # A minimum of a convex function: no direction goes down from it.
    for seed in range(10):
        v = torch.randn(f.shape, generator=torch.Generator().manual_seed(seed)).double()
        assert objective(long + 1e-3 * v, f, weight, mask) > least


def test_the_objective_of_the_iterates_falls_to_the_minimum():
    f = step_and_noise()
    values = [
        objective(total_variation(f, 0.1, tol=0, max_iter=k), f, 0.1) for k in (1, 30, 300, 3000)
    ]
    assert values == sorted(values, reverse=True)
    # The accelerated method is O(1/k^2): ten times the iterations, a hundredth of the excess.
    assert values[2] - values[3] < 0.01 * (values[1] - values[3])


@pytest.mark.parametrize("mask", [None, "holes"])
def test_a_constant_image_stays(mask):
    f = torch.full((9, 7), 0.3)
    u = total_variation(f, 0.1, mask=None if mask is None else holes(f))
    torch.testing.assert_close(u, f)


def test_known_pixels_stay_and_a_hole_in_a_flat_area_is_filled():
    f = torch.zeros(12, 12, dtype=torch.float64)
    f[:, 6:] = 1
    mask = torch.ones(12, 12, dtype=torch.bool)
    mask[4:7, 1:4] = False
    damaged = torch.where(mask, f, torch.nan)
    u = total_variation(damaged, 0, mask=mask, tol=1e-6)
    assert torch.equal(u[mask], f[mask])
    torch.testing.assert_close(u, f, atol=1e-4, rtol=0)


def test_weight_0_is_the_limit_of_small_weights():
    f = step_and_noise()
    mask = holes(f)
    limit = tv(total_variation(f, 0, mask=mask, tol=1e-5))
    near = total_variation(f, 1e-4, mask=mask, tol=1e-5)
    assert tv(near) == pytest.approx(limit, rel=2e-3)  # it may use the freedom of 1e-4 a pixel


def test_weight_0_without_a_mask_is_the_image():
    f = step_and_noise()
    assert torch.equal(total_variation(f, 0), f)


def test_single_precision_stays():
    assert total_variation(step_and_noise().float(), 0.1).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"image": torch.rand(3)}, r"image: got shape \(3,\)"),
        ({"image": torch.full((3, 3), torch.nan)}, "image: got NaN"),
        ({"weight": -1.0}, "weight: got -1.0"),
        ({"mask": torch.ones(3, 3)}, "mask: got torch.float32"),
        ({"mask": torch.ones(2, 3, dtype=torch.bool)}, r"mask: got torch.bool of shape \(2, 3\)"),
        ({"mask": torch.zeros(3, 3, dtype=torch.bool)}, "mask: got no known pixel"),
        ({"tol": -1}, "tol: got -1"),
        ({"max_iter": 0}, "max_iter: got 0"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        total_variation(**({"image": torch.rand(3, 3), "weight": 0.1} | arguments))
