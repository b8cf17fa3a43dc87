"""Handwritten digits: MNIST, and the small set that comes with scikit-learn.

Sources: LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
recognition, for MNIST and its IDX format; Alpaydin & Kaynak (1998), Optical recognition of
handwritten digits, UCI Machine Learning Repository, for the bundled digits.
"""

from __future__ import annotations

import functools
import struct
import warnings

import numpy as np
import torch
from torch import Tensor

from replearn.data.cache import RemoteFile, read
from replearn.data.dataset import Dataset
from replearn.data.errors import DataUnavailable, WrongContent

_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
# Hashes of the decompressed IDX files.
MNIST_FILES = {
    part: RemoteFile(f"mnist/{name}.gz", f"{_MIRROR}{name}.gz", sha256)
    for part, name, sha256 in (
        (
            "X",
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            "y",
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            "X_test",
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        (
            "y_test",
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    )
}

_TEST_SAMPLES = 360
_SPLIT_SEED = 0
# MNIST draws its digits in a box of 20 x 20 pixels with a margin of 4.
_SIDE, _BOX, _MARGIN = 28, 20, 4
# Grey values at which the interpolated strokes become ground and full ink; see _enlarge.
_GROUND, _INK = 0.3, 0.8


def load_mnist() -> Dataset:
    """Return MNIST: 60,000 training and 10,000 test images of 28 x 28 pixels.

    From the cache folder, or downloaded into it (about 11 MB) and verified.

    Returns
    -------
    Dataset

    Raises
    ------
    DataUnavailable
        A file is neither in the cache nor can it be downloaded.

    Examples
    --------
    >>> try:
    ...     data = load_mnist()
    ... except DataUnavailable:  # no network, and it is not in the cache
    ...     data = load_digits()
    >>> data.X.dtype
    torch.float32
    """
    parts = {part: parse_idx(read(file)) for part, file in MNIST_FILES.items()}
    height, width = parts["X"].shape[1:]

    def pixels(images: np.ndarray) -> Tensor:
        # float32 once, divided in place: 188 MB are not allocated twice.
        return torch.from_numpy(images.reshape(len(images), -1).astype(np.float32)).div_(255)

    def labels(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.int64))

    return Dataset(
        name="MNIST",
        X=pixels(parts["X"]),
        y=labels(parts["y"]),
        X_test=pixels(parts["X_test"]),
        y_test=labels(parts["y_test"]),
        image_shape=(height, width),
    )


def load_digits() -> Dataset:
    """Return the digits bundled with scikit-learn: 1,437 for training, 360 for the test, 8 x 8.

    The split is fixed, stratified by class and in mixed order.  Grey values are multiples of
    1/16, because each of the 64 pixels counts the ink in a 4 x 4 block of a bitmap.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> data = load_digits()
    >>> data.name, data.n, data.d, data.image_shape
    ('digits 8x8', 1437, 64, (8, 8))
    """
    X, X_test, y, y_test = (torch.from_numpy(part.copy()) for part in _split_digits())
    return Dataset(name="digits 8x8", X=X, y=y, X_test=X_test, y_test=y_test, image_shape=(8, 8))


@functools.cache
def _split_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels for training and test; read once, as it takes 20 ms of parsing text."""
    from sklearn import datasets  # here, because it takes most of a second
    from sklearn.model_selection import train_test_split

    digits = datasets.load_digits()
    X, X_test, y, y_test = train_test_split(
        digits.data / 16,
        digits.target,
        test_size=_TEST_SAMPLES,
        stratify=digits.target,
        random_state=_SPLIT_SEED,
    )
    return (
        X.astype(np.float32),
        X_test.astype(np.float32),
        y.astype(np.int64),
        y_test.astype(np.int64),
    )


def handwritten_digits() -> Dataset:
    """Return the best set of 28 x 28 digits this machine can have.

    MNIST if it is cached or can be downloaded, otherwise the bundled digits of
    :func:`load_digits` enlarged to the same format, under the name
    ``"digits 28x28 (bundled)"``.  A machine without a network takes a few seconds to notice,
    once in ten minutes.

    Returns
    -------
    Dataset

    Warns
    -----
    UserWarning
        The cache has an MNIST file whose content is not MNIST's; the file is left as it is.

    Examples
    --------
    >>> data = handwritten_digits()
    >>> data.d, data.image_shape
    (784, (28, 28))
    """
    try:
        return load_mnist()
    except WrongContent as error:
        warnings.warn(f"{error} Using the bundled digits.", stacklevel=2)
    except DataUnavailable:
        pass  # no news: the name of what is returned says it
    small = load_digits()
    return Dataset(
        name="digits 28x28 (bundled)",
        X=_enlarge(small.X),
        y=small.y,
        X_test=_enlarge(small.X_test),
        y_test=small.y_test,
        image_shape=(_SIDE, _SIDE),
    )


def parse_idx(content: bytes) -> np.ndarray:
    """Return the array in an IDX file of unsigned bytes, a read-only view of ``content``.

    The format: two zero bytes, the type (8 for unsigned bytes), the number of axes, the length
    of each axis as a big-endian 32-bit integer, then the values with the last axis fastest.

    Raises
    ------
    ValueError
        The content is not of that format, or not as long as its header says.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError(
            f"content: got {content[:4]!r} first, want an IDX file of unsigned bytes, "
            "which starts with b'\\x00\\x00\\x08'"
        )
    axes = content[3]
    start = 4 + 4 * axes
    if len(content) < start:
        raise ValueError(f"content: got {len(content)} bytes, want a header of {start}")
    shape = struct.unpack_from(f">{axes}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"content: got {values.size} values, want shape {shape}")
    return values.reshape(shape)


def _enlarge(X: Tensor) -> Tensor:
    """Bring 8 x 8 digits (n, 64) to MNIST's format (n, 784), values in [0, 1].

    Bilinear to the 20 x 20 box, then a margin of 4.  Interpolation alone leaves blurred strokes
    and data of rank 64; stretching the contrast gives strokes of MNIST's darkness and edges.
    """
    box = torch.nn.functional.interpolate(
        X.reshape(-1, 1, 8, 8), size=(_BOX, _BOX), mode="bilinear", align_corners=False
    )
    box = ((box - _GROUND) / (_INK - _GROUND)).clamp_(0, 1)
    return torch.nn.functional.pad(box, (_MARGIN,) * 4).reshape(-1, _SIDE * _SIDE)
