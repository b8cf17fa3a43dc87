"""Networks: what the factories build, of which shapes, and from which start."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.autoencoders import (
    Autoencoder,
    Dense,
    KSparse,
    convolutional_autoencoder,
    cross_entropy,
    dense_autoencoder,
    objective,
    squared_error,
)
from replearn.autoencoders.layers import ACTIVATIONS
from replearn.training import train

no_deadline = settings(deadline=None)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@no_deadline
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=5),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from(["linear", "sigmoid"]),
    st.booleans(),
)
def test_shapes_for_any_widths(sizes, activation, output, tied):
    model = dense_autoencoder(sizes, activation=activation, output=output, tied=tied)
    X = uniform(4, sizes[0])
    H = model.encode(X)
    assert H.shape == (4, sizes[-1])
    assert model.decoder(H).shape == model.decode(H).shape == model(X).shape == X.shape
    assert torch.equal(model(X), model.decode(H))
    if output == "sigmoid":
        assert torch.equal(model.decode(H), torch.sigmoid(model.decoder(H)))
        assert ((model(X) >= 0) & (model(X) <= 1)).all()
    else:
        assert torch.equal(model.decode(H), model.decoder(H))


def test_activations_stand_where_they_should():
    model = dense_autoencoder([5, 4, 3, 2], activation="relu", code="sigmoid")
    assert [layer.activation for layer in model.encoder] == ["relu", "relu", "sigmoid"]
    assert [layer.activation for layer in model.decoder] == ["relu", "relu", "linear"]
    assert [tuple(layer.weight.shape) for layer in model.decoder] == [(3, 2), (4, 3), (5, 4)]
    model = dense_autoencoder([5, 4, 3], activation="tanh")
    assert [layer.activation for layer in model.encoder] == ["tanh", "tanh"]


def test_k_sparse_codes_of_a_model():
    model = dense_autoencoder([8, 6], activation="linear", k=2)
    assert isinstance(model.encoder[-1], KSparse)
    assert (model.encode(uniform(5, 8)) != 0).sum(1).tolist() == [2] * 5


@pytest.mark.parametrize("build", [dense_autoencoder, convolutional_autoencoder])
def test_the_seed_decides_the_start_and_the_global_generator_is_left_alone(build):
    first = ([6, 4],) if build is dense_autoencoder else ((4, 4), (2,))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    a, b, c = build(*first, seed=3), build(*first, seed=3), build(*first, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = zip(a.parameters(), b.parameters(), c.parameters(), strict=True)
    same = [(torch.equal(p, q), torch.equal(p, r)) for p, q, r in pairs if p.ndim > 1]
    assert all(x == (True, False) for x in same)


def test_odd_sizes_are_rounded_up_on_the_way_down_and_restored_on_the_way_up():
    model = convolutional_autoencoder((28, 28), (16, 8, 8))
    X, sides, A = uniform(2, 784), [], uniform(2, 784)
    for layer in model.encoder:
        A = layer(A)
        if isinstance(layer, torch.nn.MaxPool2d):
            sides.append(tuple(A.shape[1:]))
    assert sides == [(16, 14, 14), (8, 7, 7), (8, 4, 4)]
    sides, A = [], model.encode(X)
    assert A.shape == (2, 128)
    for layer in model.decoder:
        A = layer(A)
        if isinstance(layer, torch.nn.Upsample):
            sides.append(tuple(A.shape[1:]))
    assert sides == [(8, 7, 7), (8, 14, 14), (16, 28, 28)]
    assert model(X).shape == X.shape
    # That of the Keras blog but for its last padding: 160 + 1160 + 3 * 584 + 1168 + 145.
    assert sum(p.numel() for p in model.parameters()) == 4385


@no_deadline
@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(1, 4))
def test_convolutions_take_images_of_any_size(shape, levels):
    model = convolutional_autoencoder(shape, tuple(range(1, levels + 1)))
    X = uniform(3, shape[0] * shape[1])
    assert model(X).shape == X.shape
    height, width = shape
    for _ in range(levels):
        height, width = -(-height // 2), -(-width // 2)
    assert model.encode(X).shape == (3, levels * height * width)


def test_pixels_keep_their_places():
    """Rows of X are images read row by row: a translation of the image translates the output."""
    model = convolutional_autoencoder((8, 6), (2,), output="linear").double()
    X = torch.zeros(1, 8, 6, dtype=torch.float64)
    X[0, 2, 2] = 1.0
    there = model(X.flatten(1)).view(8, 6)
    shifted = model(X.roll((2, 2), dims=(1, 2)).flatten(1)).view(8, 6)
    # Far from the border, where padding is felt; by 2, the size of the pooling.
    torch.testing.assert_close(shifted[3:7, 3:5], there[1:5, 1:3])


@pytest.mark.parametrize(
    "model",
    [
        dense_autoencoder([49, 16, 8]),
        dense_autoencoder([49, 16, 8], tied=True, activation="tanh"),
        dense_autoencoder([49, 32], k=5),
        convolutional_autoencoder((7, 7), (8, 4)),
    ],
    ids=["deep", "tied", "k-sparse", "convolutional"],
)
@pytest.mark.parametrize("loss", [squared_error, cross_entropy])
def test_training_lowers_the_loss(model, loss):
    X = (uniform(200, 2) @ uniform(2, 49, seed=1) / 2).clamp(0, 1)
    history = train(
        model, X, loss=objective(loss), epochs=25, batch_size=25, lr=1e-2, progress=False
    )
    least = float((-X * X.log() - (1 - X) * (1 - X).log()).sum(1).mean())
    floor = 0.0 if loss is squared_error else least
    assert history.loss[-1] - floor < 0.5 * (history.loss[0] - floor)


@needs_gpu
@pytest.mark.parametrize(
    "build",
    [
        lambda: dense_autoencoder([49, 16, 8], tied=True),
        lambda: dense_autoencoder([49, 16], k=4),
        lambda: convolutional_autoencoder((7, 7), (4, 2)),
    ],
)
def test_a_gpu_computes_the_same(build):
    here, there, X = build().double(), build().double().cuda(), uniform(9, 49).double()
    torch.testing.assert_close(there(X.cuda()).cpu(), here(X))
    for loss in (squared_error, cross_entropy):
        there.zero_grad()
        here.zero_grad()
        objective(loss)(there, X.cuda()).backward()
        objective(loss)(here, X).backward()
        for p, q in zip(there.parameters(), here.parameters(), strict=True):
            torch.testing.assert_close(p.grad.cpu(), q.grad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dense_autoencoder([5]), r"sizes: got \[5\], want at least two widths"),
        (lambda: dense_autoencoder([5, 0]), "m: got 0, want at least 1"),
        (lambda: dense_autoencoder([5, 3], activation="x"), "activation: got 'x', want one of"),
        (lambda: dense_autoencoder([5, 3], code="x"), "activation: got 'x', want one of"),
        (
            lambda: dense_autoencoder([5, 3], output="relu"),
            "output: got 'relu', want one of linear",
        ),
        (lambda: dense_autoencoder([5, 3], k=0), "k: got 0, want at least 1"),
        (lambda: dense_autoencoder([5, 3], k=4), "k: got 4 for codes of width 3, want at most"),
        (lambda: dense_autoencoder([5, 3], seed=0.5), "seed: got 0.5, want an integer"),
        (lambda: convolutional_autoencoder((0, 5)), r"shape, channels: got \(0, 5\) and"),
        (lambda: convolutional_autoencoder((5, 5), ()), r"shape, channels: got .* and \[\], want"),
        (lambda: convolutional_autoencoder((5, 5), (2, 0)), r"got .*\[2, 0\], want positive"),
        (lambda: convolutional_autoencoder((5, 5), (2,), output="x"), "output: got 'x', want one"),
        (lambda: Autoencoder(Dense(3, 2), Dense(2, 3), output="x"), "output: got 'x', want one of"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
