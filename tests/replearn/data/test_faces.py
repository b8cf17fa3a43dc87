"""Faces of a video, real where they are cached, and drawn ones."""

import sys
import warnings

import numpy as np
import pytest
import torch

from replearn.data import DataUnavailable, drawn_faces, face_frames, faces, load_frey_faces


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")
    return tmp_path


@pytest.fixture(scope="module")
def real():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLEARN_OFFLINE", "1")
        pytest.importorskip("rdata")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                return load_frey_faces()
        except DataUnavailable:
            pytest.skip("the Frey faces are not in the cache")


def typical(X: torch.Tensor) -> float:
    """Root mean square distance of two frames taken at random."""
    return float((2 * X.var(0).sum()).sqrt())


def test_real_faces_are_1965_of_28_by_20(real):
    assert real.name == "Frey faces"
    assert real.X.shape == (1965, 560)
    assert real.X.dtype == torch.float32
    assert real.image_shape == (28, 20)
    assert float(real.X.min()) == pytest.approx(8 / 255)
    assert float(real.X.max()) == pytest.approx(238 / 255)


def test_real_faces_stand_upright(real):
    mean = real.X.mean(0).view(real.image_shape)
    eyes, forehead = mean[5:9, 3:8], mean[0:3, 6:14]
    assert float(eyes.mean()) < float(forehead.mean()) - 0.2
    # Rows and columns are not exchanged: neighbours in both directions are alike.
    for step in (mean.diff(dim=0), mean.diff(dim=1)):
        assert float(step.abs().mean()) < 0.1


def test_real_frames_are_in_the_order_of_the_video(real):
    steps = real.X.diff(dim=0).norm(dim=1)
    assert float(steps.median()) < 0.6 * typical(real.X)


def test_drawn_faces_are_a_video_like_the_real_one():
    video = drawn_faces()
    assert video.name == "drawn faces (synthetic)"
    assert video.X.shape == (1965, 560)
    assert video.X.dtype == torch.float32
    assert video.image_shape == (28, 20)
    assert 0 <= float(video.X.min()) < float(video.X.max()) <= 1
    assert float(video.X.diff(dim=0).norm(dim=1).median()) < typical(video.X) / 5


def test_drawn_faces_have_two_degrees_of_freedom():
    """Near any frame the others lie close to a plane, and not close to a line."""
    X = drawn_faces(noise=0.0).X.double()
    ratios = []
    for i in range(0, 1965, 200):
        near = (X - X[i]).norm(dim=1).topk(15, largest=False).indices
        values = torch.linalg.svdvals(X[near] - X[near].mean(0))
        ratios.append(values[:3] / values[0])
    second, third = torch.stack(ratios).median(0).values[1:]
    assert float(third) < 0.1 < float(second)


def test_a_turned_face_is_the_mirror_image_but_for_the_light():
    left, straight, right = faces._draw(np.array([-0.4, 0.0, 0.4]), np.zeros(3))
    light = straight - np.flip(straight, 1)
    np.testing.assert_allclose(left - np.flip(right, 1), light, atol=1e-12)
    assert np.abs(left - right).max() > 0.2


def test_the_corners_of_the_mouth_go_up_with_the_smile():
    row = np.arange(28)

    def corner(smile: float) -> float:
        image = faces._draw(np.zeros(1), np.array([smile]))[0]
        dark = (0.7 - image[18:25, 6]).clip(0)
        return float((dark * row[18:25]).sum() / dark.sum())

    assert corner(1.0) < corner(0.0) < corner(-1.0)


def test_seed_decides():
    one, same, other = (drawn_faces(50, seed=s).X for s in (-3, -3, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_noise_is_of_its_size():
    clean, noisy = (drawn_faces(200, noise=noise, seed=1).X for noise in (0.0, 0.02))
    assert float((noisy - clean).std()) == pytest.approx(0.02, rel=0.05)


def test_without_the_file_the_faces_are_drawn(empty_cache, recwarn):
    pytest.importorskip("rdata")  # without it a warning says so
    video = face_frames(seed=1)
    assert video.name == "drawn faces (synthetic)"
    assert torch.equal(video.X, drawn_faces(seed=1).X)
    assert not [w for w in recwarn.list if "drawn" in str(w.message)]


def test_without_the_file_the_loader_says_where_it_goes(empty_cache):
    pytest.importorskip("rdata")
    with pytest.raises(DataUnavailable, match=r"frey_faces\.rda is unavailable") as caught:
        load_frey_faces()
    assert caught.value.folder == empty_cache / "frey_faces"
    assert caught.value.sha256.startswith("b98840cc")


def test_a_wrong_file_is_said_and_left_alone(empty_cache):
    pytest.importorskip("rdata")
    path = empty_cache / "frey_faces" / "frey_faces.rda"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.warns(UserWarning, match=r"move it away.*Using drawn faces"):
        assert face_frames().name == "drawn faces (synthetic)"
    assert path.read_bytes() == b"mine"


def test_without_the_reader_it_says_what_to_install(empty_cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(ModuleNotFoundError, match="pip install rdata"):
        load_frey_faces()
    with pytest.warns(UserWarning, match=r"pip install rdata\. Using drawn faces"):
        assert face_frames().name == "drawn faces (synthetic)"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n": 0}, "n: got 0, want at least 1"),
        ({"n": 2.5}, "n: got 2.5"),
        ({"noise": -0.1}, "noise: got -0.1"),
        ({"seed": "a"}, "seed: got 'a'"),
    ],
)
def test_bad_arguments_are_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        drawn_faces(**wrong)
