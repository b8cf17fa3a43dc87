"""Enlarging with coupled dictionaries."""

import functools
from dataclasses import replace

import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from replearn.images import bicubic, psnr, shrink, train_coupled, upscale


def texture(seed: int, side: int = 64) -> torch.Tensor:
    """Overlapping discs with sharp edges: detail that interpolation blurs."""
    g = torch.Generator().manual_seed(seed)
    x = torch.arange(side)
    image = torch.full((side, side), 0.5)
    for _ in range(60):
        centre = side * torch.rand(2, generator=g)
        radius, grey = (float(v) for v in torch.rand(2, generator=g))
        disc = (x[:, None] - centre[0]) ** 2 + (x - centre[1]) ** 2 < (2 + 9 * radius) ** 2
        image[disc] = grey
    return image


@pytest.fixture(scope="module")
def coupled():
    return train_coupled(
        [texture(s) for s in (1, 2, 3)], n_atoms=48, n_patches=2000, epochs=3, size=5
    )


def test_enlarging_beats_bicubic_interpolation_on_an_image_not_seen(coupled):
    image = texture(9)
    small = shrink(image, 2)
    plain = bicubic(small, 2)
    for _ in range(10):
        plain = plain + bicubic(small - shrink(plain, 2), 2)
    got = psnr(upscale(small, coupled), image)
    assert got > psnr(bicubic(small, 2), image) + 1
    assert got > psnr(plain, image) + 0.2  # back-projection alone is not what does it


def test_the_dictionary_of_details_is_what_does_it(coupled):
    image = texture(9)
    small = shrink(image, 2)
    wrong = replace(coupled, high=coupled.high.flip(1))
    assert psnr(upscale(small, coupled), image) > psnr(upscale(small, wrong), image) + 0.2


def test_the_result_shrinks_to_the_small_image(coupled):
    small = shrink(texture(9), 2)
    large = upscale(small, coupled)
    assert large.shape == (64, 64)
    assert psnr(shrink(large, 2), small) > 50


def test_a_constant_image_stays(coupled):
    torch.testing.assert_close(
        upscale(torch.full((9, 8), 0.3), coupled), torch.full((18, 16), 0.3), rtol=0, atol=1e-5
    )


def test_shapes_and_lengths(coupled):
    assert coupled.low.shape == (4 * 25, 48)
    assert coupled.high.shape == (25, 48)
    torch.testing.assert_close(coupled.low.norm(dim=0), torch.ones(48))


def test_strips_are_joined_without_a_seam(coupled, monkeypatch):
    small = shrink(texture(9, 32), 2)
    whole = upscale(small, coupled)
    monkeypatch.setattr("replearn.images.super_resolution._PATCHES", 1)
    # Codes are found to a duality gap of 1e-4, and in another order.
    torch.testing.assert_close(upscale(small, coupled), whole, rtol=0, atol=1e-3)


def test_seed_decides():
    one, same, other = (
        train_coupled([texture(1, 32)], n_atoms=8, n_patches=100, epochs=1, seed=s).high
        for s in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: shrink(torch.rand(5, 4), 2), r"image: got shape \(5, 4\), want sides"),
        (lambda: bicubic(torch.rand(4, 4), 0), "factor: got 0"),
        (lambda: train_coupled([]), "images: got none, want at least one"),
        (lambda: train_coupled([torch.ones(20, 20)]), "images: got none with contrast"),
        (lambda: train_coupled([torch.rand(20, 20)], penalty=-1), "penalty: got -1"),
        (lambda: train_coupled([torch.rand(20, 20)], n_patches=0), "n_patches: got 0"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_codes_that_did_not_converge_are_said(coupled, monkeypatch):
    import replearn.sparse

    hurried = functools.partial(replearn.sparse.sparse_codes, max_iter=0)
    monkeypatch.setattr(replearn.sparse, "sparse_codes", hurried)
    with pytest.warns(ConvergenceWarning, match=r"upscale: \d+ of \d+ codes of patches did not"):
        upscale(shrink(texture(9), 2), coupled)
