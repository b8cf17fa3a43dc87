"""Word vectors, real where they are cached, and planted senses."""

import sys
import warnings

import pytest
import torch

from replearn.data import (
    DataUnavailable,
    WordVectors,
    load_word_vectors,
    planted_vocabulary,
    word_vectors,
    words,
)

TIE = ("clothes", "draw", "knot", "kinship")
SPRING = ("season", "water", "machine", "jump")


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
                warnings.simplefilter("error", UserWarning)  # those of the reader are held back
                return load_word_vectors()
        except DataUnavailable:
            pytest.skip("the word vectors are not in the cache")


def test_real_vectors_are_8000_of_length_1(real):
    assert real.X.shape == (8000, 300)
    assert real.X.dtype == torch.float32
    assert len(set(real.words)) == 8000
    assert all(isinstance(word, str) for word in real.words)
    torch.testing.assert_close(real.X.norm(dim=1), torch.ones(8000))


def test_real_neighbours_mean_something_similar(real):
    assert real.nearest(real.vector("spring"), 4) == ["spring", "summer", "winter", "autumn"]
    assert real.nearest(real.vector("tie"), 3) == ["tie", "tied", "tying"]


def topic(vocabulary: WordVectors, name: str) -> torch.Tensor:
    """Direction of a topic: the mean of its words of one sense."""
    rows = [vocabulary.vector(word) for word in words._TOPICS[name].split()]
    mean = torch.stack(rows).mean(0)
    return mean / mean.norm()


def test_planted_words_lie_along_their_senses_and_no_others():
    vocabulary = planted_vocabulary()
    for word, senses in (("tie", TIE), ("spring", SPRING)):
        for name in words._TOPICS:
            cosine = float(vocabulary.vector(word) @ topic(vocabulary, name))
            # Four senses of about equal weight: cosines near 1/2; others like 1/sqrt(100).
            assert (cosine > 0.25) == (name in senses), (word, name, cosine)


def test_the_words_of_a_topic_are_nearest_to_its_direction():
    vocabulary = planted_vocabulary()
    for name in words._TOPICS:
        near = vocabulary.nearest(topic(vocabulary, name), 6)
        assert set(near) <= set(words._TOPICS[name].split())


def test_a_planted_vocabulary_is_one():
    vocabulary = planted_vocabulary(n_topics=20, words_per_topic=5, d=30)
    n = 2 + sum(len(text.split()) for text in words._TOPICS.values()) + 12 * 5
    assert vocabulary.name == "planted vocabulary (synthetic)"
    assert vocabulary.X.shape == (n, 30)
    assert len(set(vocabulary.words)) == len(vocabulary.words) == n
    assert vocabulary.X.dtype == torch.float32
    torch.testing.assert_close(vocabulary.X.norm(dim=1), torch.ones(n))
    assert vocabulary.words[-1] == "topic019-word04"


def test_words_without_noise_span_the_topics():
    vocabulary = planted_vocabulary(n_topics=20, words_per_topic=5, d=30, noise=0)
    assert int(torch.linalg.matrix_rank(vocabulary.X, rtol=1e-4)) == 20


def test_seed_decides():
    one, same, other = (planted_vocabulary(seed=s).X for s in (-3, -3, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_nearest_looks_at_the_direction_only():
    vectors = WordVectors(
        "three", ["right", "up", "left"], torch.tensor([[1.0, 0], [0, 1], [-1, 0]])
    )
    for scale in (1e-3, 1e3):
        assert vectors.nearest(scale * torch.tensor([2.0, 1.0]), 3) == ["right", "up", "left"]


def test_without_the_file_the_vocabulary_is_planted(empty_cache, recwarn):
    pytest.importorskip("rdata")  # without it a warning says so
    vectors = word_vectors(seed=1)
    assert vectors.name == "planted vocabulary (synthetic)"
    assert torch.equal(vectors.X, planted_vocabulary(seed=1).X)
    assert not [w for w in recwarn.list if "planted" in str(w.message)]


def test_without_the_file_the_loader_says_where_it_goes(empty_cache):
    pytest.importorskip("rdata")
    with pytest.raises(DataUnavailable, match=r"demodata\.rda is unavailable") as caught:
        load_word_vectors()
    assert caught.value.folder == empty_cache / "word_vectors"
    assert caught.value.sha256.startswith("87aa17c0")


def test_a_wrong_file_is_said_and_left_alone(empty_cache):
    pytest.importorskip("rdata")
    path = empty_cache / "word_vectors" / "demodata.rda"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.warns(UserWarning, match="move it away"):
        assert word_vectors().name == "planted vocabulary (synthetic)"
    assert path.read_bytes() == b"mine"


def test_without_the_reader_it_says_what_to_install(empty_cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(ModuleNotFoundError, match="pip install rdata"):
        load_word_vectors()
    with pytest.warns(UserWarning, match=r"pip install rdata\. Using a planted vocabulary"):
        assert word_vectors().name == "planted vocabulary (synthetic)"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_topics": 7}, "n_topics: got 7, want at least 8"),
        ({"words_per_topic": 0}, "words_per_topic: got 0"),
        ({"d": 1}, "d: got 1"),
        ({"noise": -0.1}, "noise: got -0.1"),
        ({"seed": "a"}, "seed: got 'a'"),
    ],
)
def test_bad_arguments_are_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        planted_vocabulary(**wrong)


def test_bad_words_and_vectors_are_named():
    vocabulary = planted_vocabulary(n_topics=8, d=10)
    with pytest.raises(ValueError, match="word: got 'xyzzy', want one of the"):
        vocabulary.vector("xyzzy")
    with pytest.raises(ValueError, match=r"vector: got shape \(3,\), want \(10,\)"):
        vocabulary.nearest(torch.ones(3))
    with pytest.raises(ValueError, match="k: got 0"):
        vocabulary.nearest(torch.ones(10), 0)
