"""Digits: MNIST from IDX files, the bundled digits, and the choice between them."""

import gzip
import hashlib
import struct
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from replearn.data import DataUnavailable, digits, handwritten_digits, load_digits, load_mnist

# A deadline would make the tests depend on how busy the machine is.
no_deadline = settings(deadline=None)


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")


def idx(values: np.ndarray) -> bytes:
    header = b"\x00\x00\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """Four small IDX files in the cache, as if they were MNIST's."""
    rng = np.random.default_rng(0)
    arrays_ = {
        "X": rng.integers(0, 256, (7, 4, 3), np.uint8),
        "y": rng.integers(0, 10, 7, np.uint8),
        "X_test": rng.integers(0, 256, (5, 4, 3), np.uint8),
        "y_test": rng.integers(0, 10, 5, np.uint8),
    }
    (tmp_path / "mnist").mkdir()
    files = {}
    for part, file in digits.MNIST_FILES.items():
        content = idx(arrays_[part])
        (tmp_path / file.path).write_bytes(gzip.compress(content))
        files[part] = replace(file, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(digits, "MNIST_FILES", files)
    return arrays_


@no_deadline
@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_parse_idx_inverts_writing(values):
    np.testing.assert_array_equal(digits.parse_idx(idx(values)), values)
    assert digits.parse_idx(idx(values)).shape == values.shape


@no_deadline
@given(st.integers(0, 12))
def test_parse_idx_refuses_a_file_cut_short(kept):
    with pytest.raises(ValueError, match="want"):
        digits.parse_idx(idx(np.zeros((3, 3), np.uint8))[:kept])


def test_parse_idx_refuses_a_surplus_and_other_types():
    with pytest.raises(ValueError, match=r"10 values, want shape \(3, 3\)"):
        digits.parse_idx(idx(np.zeros((3, 3), np.uint8)) + b"x")
    with pytest.raises(ValueError, match="unsigned bytes"):
        digits.parse_idx(b"\x00\x00\x0d" + idx(np.zeros(3, np.uint8))[3:])


def test_load_mnist_scales_pixels_and_keeps_labels(small_mnist):
    data = load_mnist()
    assert (data.name, data.image_shape, data.n, data.d) == ("MNIST", (4, 3), 7, 12)
    for part in ("X", "X_test"):
        X = getattr(data, part)
        assert X.dtype == torch.float32
        assert torch.equal((X * 255).round().byte(), torch.tensor(small_mnist[part]).flatten(1))
        assert X.min() >= 0
        assert X.max() <= 1
    for part in ("y", "y_test"):
        assert getattr(data, part).dtype == torch.int64
        assert getattr(data, part).tolist() == small_mnist[part].tolist()


def test_the_hashes_and_addresses_are_of_the_four_published_files():
    assert sorted(f.path for f in digits.MNIST_FILES.values()) == [
        "mnist/t10k-images-idx3-ubyte.gz",
        "mnist/t10k-labels-idx1-ubyte.gz",
        "mnist/train-images-idx3-ubyte.gz",
        "mnist/train-labels-idx1-ubyte.gz",
    ]
    for file in digits.MNIST_FILES.values():
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.url.startswith("https://")
        assert file.url.endswith(file.path.removeprefix("mnist/"))


def test_load_mnist_without_a_file_or_network_says_so():
    with pytest.raises(DataUnavailable, match="train-images-idx3-ubyte"):
        load_mnist()


def test_load_digits_is_a_fixed_stratified_split():
    data = load_digits()
    assert data.name == "digits 8x8"
    assert data.X.shape == (1437, 64)
    assert data.X_test.shape == (360, 64)
    assert data.image_shape == (8, 8)
    assert data.X.dtype == torch.float32
    assert data.y.dtype == data.y_test.dtype == torch.int64
    # A multiple of 1/16 up to 1.
    assert torch.equal((data.X * 16).round() / 16, data.X)
    assert (data.X.min(), data.X.max()) == (0, 1)
    # Stratified: of each class a fifth is for the test, up to rounding to a whole sample.
    share = torch.bincount(data.y_test) / torch.bincount(torch.cat((data.y, data.y_test)))
    assert torch.all((share - 360 / 1797).abs() < 1 / 150)
    # In mixed order: the first hundred have every class.
    assert set(data.y[:100].tolist()) == set(range(10))
    again = load_digits()
    assert torch.equal(again.X, data.X)
    assert torch.equal(again.y_test, data.y_test)


def test_split_loses_and_doubles_no_sample():
    from sklearn import datasets

    data = load_digits()
    ours = torch.cat((data.X, data.X_test)).mul(16).round().byte().tolist()
    assert sorted(ours) == sorted(datasets.load_digits().data.astype(int).tolist())


def test_handwritten_digits_are_mnist_when_it_is_there(small_mnist):
    assert handwritten_digits().name == "MNIST"


def test_handwritten_digits_without_mnist_have_its_format(recwarn):
    data = handwritten_digits()
    small = load_digits()
    assert data.name == "digits 28x28 (bundled)"
    assert data.image_shape == (28, 28)
    assert data.X.shape == (1437, 784)
    assert data.X_test.shape == (360, 784)
    assert data.X.dtype == torch.float32
    assert (data.X.min(), data.X.max()) == (0, 1)
    assert torch.equal(data.y, small.y)
    assert torch.equal(data.y_test, small.y_test)
    images = data.X.reshape(-1, 28, 28)
    ink = images.sum(0).nonzero()
    assert (ink.min(), ink.max()) == (4, 23)
    # Close to MNIST's mean 0.1307 and standard deviation 0.3081: the same scale of errors.
    assert data.X.mean() == pytest.approx(0.1307, abs=0.01)
    assert data.X.std() == pytest.approx(0.3081, abs=0.01)
    assert not recwarn.list


def test_enlarging_keeps_a_digit_where_it_was():
    corner = torch.zeros(1, 8, 8)
    corner[0, 0, 7] = 1
    image = digits._enlarge(corner.reshape(1, 64)).reshape(28, 28)
    rows, columns = image.nonzero().T
    assert rows.min() == 4
    assert rows.max() < 14
    assert columns.min() >= 14
    assert columns.max() == 23


def test_wrong_mnist_is_said_and_left_alone(tmp_path):
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.warns(UserWarning, match=r"move it away.*Using the bundled digits"):
        data = handwritten_digits()
    assert data.name == "digits 28x28 (bundled)"
    assert path.read_bytes() == b"mine"


@no_deadline
@given(st.integers(1, 1437), st.one_of(st.none(), st.integers(1, 360)))
def test_subset_is_the_first_rows(n_train, n_test):
    part = DIGITS.subset(n_train, n_test)
    stop = 360 if n_test is None else n_test
    assert torch.equal(part.X, DIGITS.X[:n_train])
    assert torch.equal(part.y, DIGITS.y[:n_train])
    assert torch.equal(part.X_test, DIGITS.X_test[:stop])
    assert torch.equal(part.y_test, DIGITS.y_test[:stop])
    assert (part.name, part.image_shape) == (DIGITS.name, DIGITS.image_shape)


DIGITS = load_digits()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0,), "n_train: got 0, want 1 to 1437, as many as digits 8x8 has"),
        ((1438,), "n_train: got 1438"),
        ((10, 361), "n_test: got 361, want 1 to 360"),
        ((10, -1), "n_test: got -1"),
        ((10.0,), r"n_train: got 10.0, want an integer"),
    ],
)
def test_subset_refuses_more_than_there_is(arguments, said):
    with pytest.raises(ValueError, match=said):
        DIGITS.subset(*arguments)


def test_a_data_set_is_frozen():
    with pytest.raises(FrozenInstanceError):
        DIGITS.name = "other"
