"""Corruptions: their rates, their randomness, and that they leave the data alone."""

import math

import pytest
import torch

from replearn.autoencoders import Gaussian, Masking, SaltAndPepper

ALL = [Gaussian(0.5), Masking(0.3), SaltAndPepper(0.3)]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def data(n=400, d=100, dtype=torch.float32):
    """Strictly between 0 and 1, so that a corrupted entry can be told."""
    generator = torch.Generator().manual_seed(0)
    return 0.1 + 0.8 * torch.rand(n, d, generator=generator, dtype=dtype)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def near(count, n, probability):
    """Within five standard deviations of a binomial count."""
    return abs(count - n * probability) < 5 * math.sqrt(n * probability * (1 - probability))


def test_gaussian_noise_has_its_mean_its_deviation_and_no_correlation():
    X = data(dtype=torch.float64)
    E = (Gaussian(0.5)(X, generator()) - X) / 0.5
    n = E.numel()
    assert abs(float(E.mean())) < 5 / math.sqrt(n)
    assert abs(float(E.square().mean()) - 1) < 5 * math.sqrt(2 / n)
    assert abs(float(E.pow(4).mean()) - 3) < 5 * math.sqrt(96 / n)  # normal, not just of variance 1
    off = (E.T @ E / len(E)).fill_diagonal_(0)
    assert float(off.abs().max()) < 6 / math.sqrt(len(E))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_masking_sets_its_share_to_0_and_leaves_the_rest(rate):
    X = data()
    Y = Masking(rate)(X, generator())
    masked = Y == 0
    assert near(int(masked.sum()), X.numel(), rate)
    assert torch.equal(Y[~masked], X[~masked])
    # Entries are drawn each for itself: pairs of neighbours are masked with rate^2.
    pairs = masked[:, ::2] & masked[:, 1::2]
    assert near(int(pairs.sum()), pairs.numel(), rate**2)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_salt_and_pepper_are_equally_frequent(rate):
    X = data()
    Y = SaltAndPepper(rate)(X, generator())
    pepper, salt = Y == 0, Y == 1
    for where in (pepper, salt):
        assert near(int(where.sum()), X.numel(), rate / 2)
    kept = ~(pepper | salt)
    assert torch.equal(Y[kept], X[kept])


@pytest.mark.parametrize("corruption", [Gaussian(0), Masking(0), SaltAndPepper(0.0)])
def test_corruption_of_level_zero_is_the_identity(corruption):
    X = data(5, 4)
    assert torch.equal(corruption(X), X)


def test_full_corruption_leaves_nothing_of_the_input():
    X = data(50, 4)
    assert torch.equal(Masking(1)(X), torch.zeros_like(X))
    assert set(SaltAndPepper(1)(X).flatten().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("corruption", ALL, ids=repr)
def test_a_generator_or_the_global_one_decides_and_x_stays(corruption):
    X = data(6, 5)
    kept = X.clone()
    assert torch.equal(corruption(X, generator(1)), corruption(X, generator(1)))
    assert not torch.equal(corruption(X, generator(1)), corruption(X, generator(2)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        before = torch.get_rng_state()
        corruption(X, generator())
        assert torch.equal(torch.get_rng_state(), before)  # the global one is not touched
        first = corruption(X)
        assert not torch.equal(torch.get_rng_state(), before)
        assert not torch.equal(corruption(X), first)
        torch.manual_seed(3)
        assert torch.equal(corruption(X), first)
    assert torch.equal(X, kept)


@pytest.mark.parametrize("corruption", ALL, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4)])
def test_shape_and_dtype_are_those_of_the_data(corruption, dtype, shape):
    Y = corruption(torch.ones(shape, dtype=dtype))
    assert Y.shape == shape
    assert Y.dtype == dtype


@needs_gpu
@pytest.mark.parametrize("corruption", ALL, ids=repr)
def test_noise_is_drawn_where_the_data_are(corruption):
    X = data(6, 5).cuda()
    seeded = [torch.Generator("cuda").manual_seed(1) for _ in range(2)]
    a, b = (corruption(X, each) for each in seeded)
    assert a.is_cuda
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gaussian(-0.1), "std: got -0.1, want a number of at least 0"),
        (lambda: Gaussian("x"), "std: got 'x', want a number of at least 0"),
        (lambda: Masking(-0.1), "rate: got -0.1, want a number of at least 0"),
        (lambda: Masking(1.1), "rate: got 1.1, want a number from 0 to 1"),
        (lambda: SaltAndPepper(math.nan), "rate: got nan, want a number of at least 0"),
        (lambda: SaltAndPepper(2), "rate: got 2, want a number from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
