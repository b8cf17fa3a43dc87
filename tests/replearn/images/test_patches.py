"""Patches cut out and put back, and their whitening."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.images import PatchWhitener, all_patches, assemble, remove_mean

no_deadline = settings(deadline=None, max_examples=25)
sizes = st.integers(1, 5).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size)))


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@no_deadline
@given(st.integers(5, 11), st.integers(5, 11), sizes, st.integers(0, 99))
def test_patches_put_back_are_the_image(h, w, size_stride, seed):
    size, stride = size_stride
    image = noise(h, w, seed=seed)
    patches = all_patches(image, size, stride)
    torch.testing.assert_close(
        assemble(patches, (h, w), size, stride), image, rtol=1e-14, atol=1e-14
    )


@no_deadline
@given(st.integers(5, 11), st.integers(5, 11), sizes, st.integers(0, 99))
def test_putting_back_is_the_adjoint_of_cutting_over_the_count(h, w, size_stride, seed):
    size, stride = size_stride
    image = noise(h, w, seed=seed)
    patches = noise(*all_patches(image, size, stride).shape, seed=seed + 1)
    # Which pixel each entry of each patch is, counted.
    places = all_patches(torch.arange(h * w, dtype=torch.float64).reshape(h, w), size, stride)
    count = torch.bincount(places.long().flatten(), minlength=h * w).reshape(h, w)
    assert int(count.min()) >= 1  # the border is covered whatever the stride
    left = (all_patches(image, size, stride) * patches).sum()
    right = (image * count * assemble(patches, (h, w), size, stride)).sum()
    torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-12)


def test_places_are_in_reading_order_and_end_at_the_edge():
    image = torch.arange(5 * 7, dtype=torch.float64).reshape(5, 7)
    corners = all_patches(image, 2, 2)[:, 0].tolist()
    assert corners == [r * 7 + c for r in (0, 2, 3) for c in (0, 2, 4, 5)]
    assert all_patches(image, 2, 2)[0].tolist() == [0, 1, 7, 8]


def test_weights_are_those_of_an_average():
    # Two patches of 2 x 2 on an image of 2 x 3 share the middle column.
    patches = torch.tensor([[1.0] * 4, [4.0] * 4])
    image = assemble(patches, (2, 3), 2, weights=torch.tensor([1.0, 2.0]))
    assert image.tolist() == [[1, 3, 4], [1, 3, 4]]
    by_pixel = torch.ones(2, 4)
    by_pixel[0, 1] = 0  # upper right of the first
    assert assemble(patches, (2, 3), 2, weights=by_pixel).tolist() == [[1, 4, 4], [1, 2.5, 4]]


def test_means_are_removed():
    P = noise(5, 9)
    P0, means = remove_mean(P)
    rounding = 9 * torch.finfo(P.dtype).eps * float(P.abs().max())  # of a mean of nine
    torch.testing.assert_close(P0.mean(1), torch.zeros(5, dtype=P.dtype), atol=rounding, rtol=0)
    torch.testing.assert_close(P0 + means[:, None], P)


def correlated(n: int = 4000) -> torch.Tensor:
    scales = torch.tensor([3.0, 1.0, 0.5, 0.1], dtype=torch.float64)
    rotation = torch.linalg.qr(noise(4, 4, seed=3)).Q
    return noise(n, 4) * scales @ rotation + 2


def test_whitened_patches_are_uncorrelated_with_variance_1():
    Z = PatchWhitener(epsilon=0).fit_transform(correlated())
    C = (Z - Z.mean(0)).T @ (Z - Z.mean(0)) / len(Z)
    torch.testing.assert_close(C, torch.eye(4, dtype=Z.dtype), atol=1e-10, rtol=0)


def test_below_the_floor_variances_stay_small():
    P = correlated()
    whitener = PatchWhitener(epsilon=0.02).fit(P)
    values = torch.linalg.eigvalsh(torch.cov(P.T, correction=0))
    Z = whitener.transform(P)
    got = torch.linalg.eigvalsh(torch.cov(Z.T, correction=0))
    expected = (values / (0.02 * values[-1])).clamp(max=1)
    assert float(expected[0]) < 0.1
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=0)


def test_whitening_is_symmetric_and_undone():
    P = correlated()
    whitener = PatchWhitener().fit(P)
    torch.testing.assert_close(whitener.whitening_, whitener.whitening_.T)
    torch.testing.assert_close(whitener.inverse_transform(whitener.transform(P)), P)


def test_patches_that_lie_in_a_plane_are_whitened_without_noise_blown_up():
    P, _ = remove_mean(noise(500, 9, dtype=torch.float32))
    Z = PatchWhitener(epsilon=0).fit_transform(P)
    assert torch.isfinite(Z).all()
    assert float(Z.abs().max()) < 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((torch.rand(4), 2), r"image: got shape \(4,\)"),
        ((torch.rand(4, 4).int(), 2), "image: got dtype"),
        ((torch.full((4, 4), torch.nan), 2), "image: got NaN"),
        ((torch.rand(4, 4), 5), r"image: got shape \(4, 4\), want both sides at least 5"),
        ((torch.rand(4, 4), 0), "size: got 0"),
        ((torch.rand(4, 4), 2, 0), "stride: got 0"),
        ((torch.rand(4, 4), 2, 3), "stride: got 3, want at most size"),
        ((torch.rand(4, 4), 2.0), "size: got 2.0, want an integer"),
    ],
)
def test_bad_arguments_of_cutting_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        all_patches(*arguments)


@pytest.mark.parametrize(
    ("patches", "weights", "said"),
    [
        (torch.rand(5, 4), None, r"patches: got shape \(5, 4\), want \(4, 4\)"),
        (torch.rand(4, 4), torch.ones(3), r"weights: got shape \(3,\)"),
        (torch.rand(4, 4), -torch.ones(4), "weights: got negative"),
        (torch.rand(4, 4), torch.zeros(4), "weights: got weight 0"),
    ],
)
def test_bad_arguments_of_putting_back_are_named(patches, weights, said):
    with pytest.raises(ValueError, match=said):
        assemble(patches, (3, 3), 2, weights=weights)


def test_an_unfitted_whitener_says_so():
    with pytest.raises(ValueError, match=r"call fit\(X\) first"):
        PatchWhitener().transform(torch.rand(2, 3))
    with pytest.raises(ValueError, match="all the same"):
        PatchWhitener().fit(torch.ones(5, 4))


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(torch.float32, s) for s in (1e-30, 1e19, 1e30)] + [(torch.float64, 1e153)],
)
def test_whitening_does_not_depend_on_the_units(dtype, scale):
    P = correlated(500).to(dtype)
    expected = PatchWhitener().fit_transform(P)
    whitener = PatchWhitener().fit(P * scale)
    torch.testing.assert_close(whitener.transform(P * scale), expected, rtol=1e-4, atol=1e-4)
    back = whitener.inverse_transform(expected) / scale
    torch.testing.assert_close(back, P, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_whitening_refuses_variances_beyond_float64(scale):
    with pytest.raises(ValueError, match=r"X: got values of about 2\^.*want other units"):
        PatchWhitener().fit(correlated(50) * scale)


def test_the_whitener_keeps_no_graph_and_lets_gradients_through():
    P = correlated(50).requires_grad_()
    whitener = PatchWhitener().fit(P)
    assert not whitener.mean_.requires_grad
    assert not whitener.whitening_.requires_grad
    whitener.transform(P).square().sum().backward()
    assert P.grad is not None
    with pytest.raises(ValueError, match="epsilon: got -1"):
        PatchWhitener(-1.0).fit(correlated(50))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "d", "value"), [(7, 5, 1 / 3), (1000, 3, 0.1), (10, 3, 0.1)])
def test_equal_patches_are_refused_however_their_mean_is_rounded(n, d, value, dtype):
    with pytest.raises(ValueError, match="patches that are all the same"):
        PatchWhitener().fit(torch.full((n, d), value, dtype=dtype))
