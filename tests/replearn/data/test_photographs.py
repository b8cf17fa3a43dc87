"""Photographs in grey, and patches cut from them."""

import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from replearn.data import extract_patches, load_photographs, photographs

# A deadline would make the tests depend on how busy the machine is.
no_deadline = settings(deadline=None)


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")


def png(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "png")
    return out.getvalue()


@pytest.fixture
def small_kodak(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (6, 4 + i, 3), np.uint8) for i in range(24)]
    (tmp_path / "kodak").mkdir()
    files = []
    for image, file in zip(images, photographs.KODAK_FILES, strict=True):
        (tmp_path / file.path).write_bytes(png(image))
        files.append(replace(file, sha256=hashlib.sha256(png(image)).hexdigest()))
    monkeypatch.setattr(photographs, "KODAK_FILES", tuple(files))
    return images


def test_kodak_is_read_as_luminance(small_kodak):
    photos = load_photographs()
    assert photos.name == "Kodak"
    assert len(photos.images) == 24
    for image, rgb in zip(photos.images, small_kodak, strict=True):
        assert image.dtype == torch.float32
        expected = (0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]) / 255
        np.testing.assert_allclose(image, expected, atol=1e-6)


def test_the_suite_has_24_different_files():
    files = photographs.KODAK_FILES
    assert [f.path for f in files] == [f"kodak/kodim{i:02d}.png" for i in range(1, 25)]
    assert len({f.sha256 for f in files}) == 24
    for file in files:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.url.endswith(file.path.removeprefix("kodak/"))


def test_black_and_white_are_0_and_1():
    assert photographs._grey(np.zeros((2, 2, 3), np.uint8)).max() == 0
    white = photographs._grey(np.full((2, 2, 3), 255, np.uint8))
    assert white.max() <= 1
    assert white.min() == pytest.approx(1)


def test_without_kodak_there_are_two_photographs(recwarn):
    photos = load_photographs()
    assert photos.name == "sample photographs (bundled)"
    assert len(photos.images) == 2
    for image in photos.images:
        assert image.shape == (427, 640)
        assert image.dtype == torch.float32
        assert 0 <= image.min() < 0.1
        assert 0.8 < image.max() <= 1
    assert not [w for w in recwarn.list if w.category is UserWarning]


def test_a_wrong_file_is_said_and_left_alone(small_kodak, tmp_path):
    path = tmp_path / "kodak" / "kodim07.png"
    path.write_bytes(b"mine")
    with pytest.warns(UserWarning, match="move it away"):
        assert load_photographs().name == "sample photographs (bundled)"
    assert path.read_bytes() == b"mine"


def numbered(height: int, width: int, start: int = 0) -> torch.Tensor:
    """An image in which the value of a pixel is its number: a patch shows where it is from."""
    return (start + torch.arange(height * width, dtype=torch.float64)).reshape(height, width)


@no_deadline
@given(
    st.lists(st.tuples(st.integers(3, 9), st.integers(3, 9)), min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(1, 50),
    st.integers(0, 99),
)
def test_every_patch_is_a_window_of_one_image(shapes, size, n, seed):
    images = [numbered(h, w, 1000 * i) for i, (h, w) in enumerate(shapes)]
    patches = extract_patches(images, size, n, seed=seed)
    assert patches.shape == (n, size * size)
    assert patches.dtype == torch.float64
    for patch in patches:
        i, pixel = divmod(int(patch[0]), 1000)
        row, column = divmod(pixel, shapes[i][1])
        window = images[i][row : row + size, column : column + size]
        assert window.shape == (size, size)
        assert torch.equal(patch, window.flatten())


def test_every_place_is_equally_likely():
    images = [numbered(3, 3), numbered(4, 6, 100)]  # 4 and 15 places for size 2
    first = extract_patches(images, 2, 19_000, seed=0)[:, 0]
    counts = first.unique(return_counts=True)[1]
    assert len(counts) == 4 + 15
    # 1,000 expected, standard deviation 31: five deviations.
    assert torch.all((counts - 1000).abs() < 155)


def test_patches_come_in_random_order():
    first = extract_patches([numbered(9, 9), numbered(9, 9, 100)], 2, 200, seed=0)[:, 0] >= 100
    assert 0.3 < first[:100].double().mean() < 0.7


def test_seed_decides():
    image = [numbered(30, 30)]
    one, same, other = (extract_patches(image, 3, 20, seed=s) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_stack_of_images_will_do():
    assert extract_patches(torch.rand(3, 5, 5), 5, 2, seed=0).shape == (2, 25)


@pytest.mark.parametrize(
    ("images", "size", "n", "said"),
    [
        ([], 2, 1, "images: got none"),
        ([torch.rand(4, 4)], 0, 1, "size: got 0"),
        ([torch.rand(4, 4)], 2, 0, "n: got 0"),
        ([torch.rand(4, 4), torch.rand(2, 9)], 3, 1, r"images\[1\]: got shape \(2, 9\)"),
        ([torch.rand(4, 4, 3)], 3, 1, r"images\[0\]: got shape \(4, 4, 3\), want \(H, W\)"),
    ],
)
def test_bad_arguments_are_named(images, size, n, said):
    with pytest.raises(ValueError, match=said):
        extract_patches(images, size, n, seed=0)


@pytest.mark.parametrize("wrong", [{"size": 2.0}, {"n": 1.5}, {"seed": "a"}])
def test_size_number_and_seed_must_be_integers(wrong):
    arguments = {"size": 2, "n": 3, "seed": 0} | wrong
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: got .*, want an integer"):
        extract_patches([torch.rand(4, 4)], **arguments)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_patches_stay_on_the_device_of_the_images():
    image = numbered(20, 20)
    there = extract_patches([image.cuda()], 3, 30, seed=0)
    assert there.is_cuda
    assert torch.equal(there.cpu(), extract_patches([image], 3, 30, seed=0))
