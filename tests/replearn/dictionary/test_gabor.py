"""Gabor fits of planted Gabor functions."""

import dataclasses
import math

import pytest
import torch

from replearn.dictionary.gabor import GaborFits, fit_gabor

SIZE = 12


def planted(m: int = 40, seed: int = 0) -> GaborFits:
    g = torch.Generator().manual_seed(seed)

    def between(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(m, generator=g, dtype=torch.float64)

    # At least most of one cycle under the envelope: what is wider is a blob without a direction.
    return GaborFits(
        x0=between(3, 8),
        y0=between(3, 8),
        theta=between(0, math.pi),
        frequency=between(0.15, 0.35),
        sigma_x=between(1.5, 3),
        sigma_y=between(1.5, 4),
        phase=between(-3, 3),
        amplitude=between(0.5, 2),
        r2=torch.ones(m, dtype=torch.float64),
    )


def apart(theta: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Angle between two directions, at most a right one."""
    return ((theta - other + math.pi / 2).remainder(math.pi) - math.pi / 2).abs()


def test_the_function_is_the_one_in_the_equation():
    truth = planted(1)
    x, y = 7, 4
    dx, dy = x - truth.x0, y - truth.y0
    along = dx * truth.theta.cos() + dy * truth.theta.sin()
    across = dy * truth.theta.cos() - dx * truth.theta.sin()
    envelope = torch.exp(-(along**2) / 2 / truth.sigma_x**2 - across**2 / 2 / truth.sigma_y**2)
    wave = torch.cos(2 * math.pi * truth.frequency * along + truth.phase)
    expected = truth.amplitude * envelope * wave
    torch.testing.assert_close(truth.atoms(SIZE).reshape(SIZE, SIZE)[y, x], expected[0])


def test_planted_functions_are_found():
    truth = planted()
    fits = fit_gabor(truth.atoms(SIZE), SIZE)
    for name in ("x0", "y0", "frequency", "sigma_x", "sigma_y", "phase", "amplitude", "r2"):
        torch.testing.assert_close(
            getattr(fits, name), getattr(truth, name), rtol=1e-5, atol=1e-5, msg=name
        )
    assert float(apart(fits.theta, truth.theta).max()) < 1e-5
    torch.testing.assert_close(fits.atoms(SIZE), truth.atoms(SIZE), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("off", [-1e-8, -1e-17, 0.0, 1e-8])
@pytest.mark.parametrize("theta", [0.0, math.pi])
def test_a_direction_within_rounding_of_pi_is_0(theta: float, off: float, dtype: torch.dtype):
    """The circle of directions closes there, so that rounding alone would choose an end of it."""
    truth = planted(6)
    truth = dataclasses.replace(truth, theta=torch.full_like(truth.theta, theta + off))
    fits = fit_gabor(truth.atoms(SIZE).to(dtype), SIZE)
    assert float(fits.theta.min()) >= 0
    assert float(fits.theta.max()) < 1e-6
    torch.testing.assert_close(fits.atoms(SIZE), truth.atoms(SIZE), rtol=0, atol=1e-6)


@pytest.mark.parametrize("off", [-1e-8, 0.0, 1e-8])
def test_a_phase_within_rounding_of_minus_pi_is_pi(off: float):
    truth = planted(6)
    truth = dataclasses.replace(truth, phase=torch.full_like(truth.phase, math.pi + off))
    fits = fit_gabor(truth.atoms(SIZE), SIZE)
    assert float((fits.phase - math.pi).abs().max()) < 1e-6
    torch.testing.assert_close(fits.atoms(SIZE), truth.atoms(SIZE), rtol=0, atol=1e-6)


def test_planted_functions_are_found_in_noise():
    truth = planted()
    atoms = truth.atoms(SIZE)
    g = torch.Generator().manual_seed(1)
    deviation = 0.02 * atoms.abs().amax(1, keepdim=True)
    noisy = atoms + deviation * torch.randn(atoms.shape, generator=g, dtype=torch.float64)
    fits = fit_gabor(noisy, SIZE)
    assert float(apart(fits.theta, truth.theta).rad2deg().max()) < 2
    assert float((fits.frequency / truth.frequency - 1).abs().max()) < 0.05
    assert float(torch.hypot(fits.x0 - truth.x0, fits.y0 - truth.y0).max()) < 0.3
    assert float(fits.r2.min()) > 0.97
    # No fit with the truth's parameters is better.
    residual = (noisy - fits.atoms(SIZE)).square().sum(1)
    assert torch.all(residual <= (noisy - atoms).square().sum(1))


def test_sign_scale_and_a_turn_by_90_degrees_do_what_they_should():
    truth = planted(5)
    atoms = truth.atoms(SIZE)
    fits = fit_gabor(atoms, SIZE)
    scaled = fit_gabor(-1e-6 * atoms, SIZE)
    torch.testing.assert_close(scaled.amplitude, 1e-6 * fits.amplitude, rtol=1e-5, atol=0)
    torch.testing.assert_close(scaled.frequency, fits.frequency, rtol=1e-5, atol=0)
    shifted = (scaled.phase - fits.phase).remainder(2 * math.pi)
    torch.testing.assert_close(shifted, torch.full_like(shifted, math.pi), rtol=0, atol=1e-4)
    turned = fit_gabor(atoms.reshape(5, SIZE, SIZE).transpose(1, 2).flatten(1), SIZE)
    assert float(apart(turned.theta, math.pi / 2 - fits.theta).max()) < 1e-5


def test_noise_is_not_a_gabor_function():
    g = torch.Generator().manual_seed(2)
    fits = fit_gabor(torch.randn(20, SIZE * SIZE, generator=g), SIZE)
    assert float(fits.r2.max()) < 0.5


def test_parameters_are_in_their_ranges_and_still_those_of_the_fit():
    g = torch.Generator().manual_seed(3)
    atoms = torch.randn(200, 64, generator=g, dtype=torch.float64)
    fits = fit_gabor(atoms, 8)
    # The parameters brought into their ranges are still those of the fit.
    explained = 1 - (atoms - fits.atoms(8)).square().sum(1) / atoms.square().sum(1)
    torch.testing.assert_close(fits.r2, explained)
    assert torch.all((fits.theta >= 0) & (fits.theta < math.pi))
    assert torch.all((fits.phase > -math.pi) & (fits.phase <= math.pi))
    assert torch.all((fits.r2 >= 0) & (fits.r2 <= 1))
    assert torch.all((fits.frequency >= 0) & (fits.amplitude >= 0))
    for centre in (fits.x0, fits.y0):
        assert torch.all((centre >= 0) & (centre <= 7))


def test_a_blank_atom_has_no_fit_and_leaves_the_others_alone():
    atoms = planted(2).atoms(SIZE)
    blank = torch.stack([atoms[0], torch.zeros(SIZE**2), torch.ones(SIZE**2), atoms[1]]).double()
    fits = fit_gabor(blank, SIZE)
    assert fits.r2[1:3].tolist() == [0, 0]
    assert fits.amplitude[1:3].tolist() == [0, 0]
    assert torch.isnan(fits.theta[1:3]).all()
    assert torch.isnan(fits.bandwidth[1:3]).all()
    assert torch.all(fits.atoms(SIZE)[1:3] == 0)
    torch.testing.assert_close(fits.r2[[0, 3]], torch.ones(2, dtype=torch.float64))


def test_bandwidth_is_where_the_spectrum_has_half_its_height():
    one = torch.ones(1, dtype=torch.float64)
    fits = GaborFits(one, one, one, 0.2 * one, 2 * one, 3 * one, one, one, one)

    def height(frequency: float) -> float:
        return math.exp(-((frequency - 0.2) ** 2) * (2 * math.pi * 2) ** 2 / 2)

    ratio = 2 ** float(fits.bandwidth)
    low = 2 * 0.2 / (1 + ratio)  # low + high = 2 * 0.2 and high = ratio * low
    assert height(low) == pytest.approx(0.5)
    assert height(ratio * low) == pytest.approx(0.5)
    assert float(fits.aspect) == pytest.approx(1.5)


def test_a_low_pass_has_infinite_bandwidth():
    one = torch.ones(1, dtype=torch.float64)
    fits = GaborFits(one, one, one, 0.01 * one, one, one, one, one, one)
    assert fits.bandwidth.tolist() == [math.inf]


def test_a_single_atom_is_fitted():
    fits = fit_gabor(planted(1).atoms(SIZE)[0].float(), SIZE)
    assert fits.r2.shape == (1,)
    assert fits.r2.dtype == torch.float64


@pytest.mark.parametrize(
    ("atoms", "size", "said"),
    [
        (torch.rand(2, 9), 3, "size: got 3, want at least 4"),
        (torch.rand(2, 9), 4, r"atoms: got shape \(2, 9\), want \(n, 16\)"),
        (torch.full((2, 16), torch.nan), 4, "atoms: got NaN"),
        ([1.0], 4, "atoms: got list"),
    ],
)
def test_bad_arguments_are_named(atoms, size, said):
    with pytest.raises(ValueError, match=said):
        fit_gabor(atoms, size)
