"""Denoising and inpainting, on a drawing everywhere and on a photograph where there is one."""

import math

import pytest
import torch

from replearn.data import DataUnavailable, photographs
from replearn.data.cache import read
from replearn.images import dct_dictionary, denoise, inpaint, psnr, total_variation

SIGMA = 25 / 255


def drawing(side: int = 40) -> torch.Tensor:
    """Stripes that turn, beside a flat half: what cosines are good at, and total variation not."""
    x = torch.arange(side, dtype=torch.float32)
    stripes = 0.5 + 0.3 * torch.sin(0.9 * x[:, None] + 0.5 * x)
    return torch.where(x < side / 2, stripes, torch.tensor(0.4))


def noisy(image: torch.Tensor, sigma: float = SIGMA) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return image + sigma * torch.randn(image.shape, generator=g)


def holes(image: torch.Tensor, share: float) -> torch.Tensor:
    return torch.rand(image.shape, generator=torch.Generator().manual_seed(1)) >= share


D = dct_dictionary(6, 11)


def test_psnr_is_the_formula():
    a = torch.zeros(2, 2)
    assert psnr(a + 0.1, a) == pytest.approx(20, abs=1e-5)
    assert psnr(a + 25.5, a, peak=255) == pytest.approx(20, abs=1e-5)
    assert psnr(a, a) == math.inf


def test_denoising_beats_total_variation_on_stripes():
    image = drawing()
    damaged = noisy(image)
    smooth = max(psnr(total_variation(damaged, w), image) for w in (0.02, 0.05, 0.1))
    got = psnr(denoise(damaged, D, SIGMA), image)
    assert got > smooth + 1
    assert got > psnr(damaged, image) + 6


def test_denoising_averages_patches_whose_residual_is_noise(monkeypatch):
    # Blended with no noisy image and cut once, an image of one patch is that patch's estimate.
    monkeypatch.setattr("replearn.images.restore._BLEND", 0.0)
    patch = noisy(drawing()[:6, :6])
    got = denoise(patch, D, SIGMA)
    residual = float((got - patch).square().mean())
    assert 0 < residual <= (1.15 * SIGMA) ** 2
    assert float(got.mean()) == pytest.approx(float(patch.mean()), abs=1e-6)


def test_denoising_without_noise_changes_nothing():
    image = drawing()
    assert torch.equal(denoise(image, D, 0), image)


def test_strips_are_joined_without_a_seam(monkeypatch):
    image = drawing(20)
    damaged, mask = noisy(image), holes(image, 0.4)
    whole = denoise(damaged, D, SIGMA, stride=2), inpaint(image, mask, D)
    monkeypatch.setattr("replearn.images.restore._PATCHES", 1)
    parts = denoise(damaged, D, SIGMA, stride=2), inpaint(image, mask, D)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_inpainting_beats_total_variation_on_stripes_and_keeps_known_pixels():
    image = drawing()
    mask = holes(image, 0.5)
    damaged = torch.where(mask, image, torch.nan)
    got = inpaint(damaged, mask, D)
    assert torch.equal(got[mask], image[mask])
    filled = total_variation(damaged, 0, mask=mask, tol=1e-2)
    assert psnr(got, image) > psnr(filled, image) + 1.5


def test_inpainting_fills_what_lies_in_the_span_of_few_atoms():
    image = (0.5 + 0.3 * D[:, 14].reshape(6, 6) * 6).double()
    mask = holes(image, 0.3)
    # Known pixels have another mean than the patch: the constant must be found, though not in D.
    got = inpaint(image, mask, D[:, 1:].double(), sigma=1e-9)
    torch.testing.assert_close(got, image, rtol=0, atol=1e-6)


def test_a_constant_image_is_filled_with_its_value():
    image = torch.full((12, 12), 0.7)
    mask = holes(image, 0.6)
    no_constant = D[:, 1:]
    torch.testing.assert_close(inpaint(image, mask, no_constant), image)


def test_a_hole_wider_than_patches_is_refused():
    mask = torch.ones(20, 20, dtype=torch.bool)
    mask[2:18, 2:18] = False
    with pytest.raises(ValueError, match="mask: got pixels that share no patch of 6 x 6"):
        inpaint(drawing(20), mask, D)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: denoise(torch.rand(9), D, 0.1), r"image: got shape \(9,\)"),
        (lambda: denoise(torch.rand(5, 9), D, 0.1), "want both sides at least 6"),
        (lambda: denoise(torch.rand(9, 9), D, -1), "sigma: got -1"),
        (lambda: denoise(torch.rand(9, 9), D[:35], 0.1), "D: got 35 rows, want a square"),
        (lambda: denoise(torch.rand(9, 9), D.double(), 0.1), "D: got torch.float64"),
        (lambda: inpaint(torch.rand(9, 9), torch.ones(9, 9), D), "mask: got torch.float32"),
        (lambda: psnr(torch.rand(2, 2), torch.rand(2, 3)), "image, reference: got shapes"),
        (lambda: psnr(torch.rand(2, 2), torch.rand(2, 2), 0), "peak: got 0"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.fixture
def photograph(monkeypatch) -> torch.Tensor:
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")
    try:
        content = read(photographs.KODAK_FILES[7])  # houses: much texture
    except DataUnavailable:
        pytest.skip("the Kodak photographs are not in the cache")
    return photographs._grey(photographs._decode(content))[200:264, 200:264]


def test_on_a_photograph_cosines_beat_total_variation(photograph):
    damaged = noisy(photograph)
    smooth = max(psnr(total_variation(damaged, w), photograph) for w in (0.04, 0.06, 0.08))
    assert psnr(denoise(damaged, dct_dictionary(8, 16), SIGMA), photograph) > smooth + 0.5


@pytest.mark.parametrize(
    ("scale", "off"),
    # Below 2^-126 a number of float32 has fewer digits, 17 of 24 here.
    [(2.0**-60, 0.0), (2.0**100, 0.0), (2.0**-133, 1e-4)],
)
def test_the_length_of_atoms_does_not_matter(scale, off):
    image = noisy(drawing(12))
    known = holes(image, 0.2)
    torch.testing.assert_close(
        denoise(image, scale * D, SIGMA), denoise(image, D, SIGMA), rtol=0, atol=off
    )
    torch.testing.assert_close(
        inpaint(image, known, scale * D), inpaint(image, known, D), rtol=0, atol=off
    )
