r"""Word vectors, in which a word with several senses is a sum of a few directions.

The real ones are word2vec vectors of 8,000 frequent English words, trained on Google News. Without
them there is a vocabulary drawn from the model in question, so that a page runs anywhere:
:func:`word_vectors` returns what can be had, and its ``name`` says which.

Sources: Mikolov, Sutskever, Chen, Corrado and Dean 2013, Distributed representations of words and
phrases and their compositionality, Advances in Neural Information Processing Systems 26, for the
vectors; the package PsychWordVec (https://github.com/psychbruce/PsychWordVec) for the selection,
whose licence, the source's, holds for the file; Arora, Li, Liang, Ma and Risteski 2018, Linear
algebraic structure of word senses, with applications to polysemy, Transactions of the Association
for Computational Linguistics 6, for discourse atoms.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from replearn._validate import (
    check_integer,
    check_not_negative,
    check_seed,
    check_tensor,
    check_values,
)
from replearn.data._r_format import read_r_table
from replearn.data.cache import RemoteFile
from replearn.data.errors import DataUnavailable, WrongContent

WORDS_FILE = RemoteFile(
    "word_vectors/demodata.rda",
    "https://github.com/psychbruce/PsychWordVec/raw/main/data/demodata.rda",
    "87aa17c0d9c2e43a6b5396af8d10ead96ead92731695339ae49a9a1870666389",
)

# Planted senses: words of one topic each, beside the words that belong to several.
_SENSES = {
    "tie": ("clothes", "draw", "knot", "kinship"),
    "spring": ("season", "water", "machine", "jump"),
}
_TOPICS = {
    "clothes": "shirt jacket scarf sleeve collar button cuff waistcoat cufflink silk suit blazer",
    "draw": "goal referee equaliser scoreless halftime striker penalty replay fixture cup score",
    "knot": "rope lace ribbon string loop twine cord fasten bundle hitch tether shoelace",
    "kinship": "family brother cousin loyalty friendship marriage bond ancestor clan uncle niece",
    "season": "summer autumn winter april may bloom thaw equinox blossom pollen seedling frost",
    "water": "river brook well fountain creek pond stream mineral geyser trickle aquifer source",
    "machine": "coil axle damper piston gear bearing lever valve shaft bolt hinge washer",
    "jump": "leap bounce hop vault skip hurdle lunge pounce dive somersault trampoline dash",
}
_LEAST_WEIGHT = 0.6  # of a sense in a word's vector; the largest is 1


@dataclass(frozen=True)
class WordVectors:
    """Words and their vectors.

    Attributes
    ----------
    name : str
        Where they are from; a page that shows results prints it.
    words : list of str
        All different.
    X : Tensor, (n, d)
        One row of length 1 for each word, float32: inner products are cosines.

    Examples
    --------
    >>> vectors = WordVectors("two", ["hot", "cold"], torch.eye(2))
    >>> vectors.nearest(torch.tensor([0.0, 2.0]), k=1)
    ['cold']
    """

    name: str
    words: list[str]
    X: Tensor

    def vector(self, word: str) -> Tensor:
        """The vector (d,) of a word.

        Parameters
        ----------
        word : str
            One of ``words``.

        Returns
        -------
        Tensor, (d,)
            Of length 1.

        Raises
        ------
        ValueError
            The word is not among ``words``.
        """
        if word not in self.words:
            raise ValueError(f"word: got {word!r}, want one of the {len(self.words)} words")
        return self.X[self.words.index(word)]

    def nearest(self, vector: Tensor, k: int = 6) -> list[str]:
        """The k words whose vectors have the largest cosines with ``vector`` (d,), best first.

        A word's own vector has the word itself first.

        Parameters
        ----------
        vector : Tensor, (d,)
            Of any length.
        k : int
            From 1 to the number of words.

        Returns
        -------
        list of str
            The words.

        Raises
        ------
        ValueError
            The vector is not (d,), or k is not between 1 and the number of words.
        """
        d = self.X.shape[1]
        check_tensor("vector", vector, f"a torch tensor of shape ({d},)")
        if tuple(vector.shape) != (d,):
            raise ValueError(f"vector: got shape {tuple(vector.shape)}, want ({d},)")
        check_values("vector", vector)
        if vector.is_complex() or not bool(vector.isfinite().all()):
            raise ValueError("vector: got complex, NaN or infinite values, want finite real ones")
        check_integer("k", k)
        if not 1 <= k <= len(self.words):
            raise ValueError(f"k: got {k}, want 1 to {len(self.words)}")
        # The length of the vector does not change the order.
        order = (self.X @ vector.to(self.X)).topk(k).indices
        return [self.words[i] for i in order.tolist()]


def word_vectors(*, seed: int = 0) -> WordVectors:
    """Return the real word vectors if cached or downloaded, else :func:`planted_vocabulary`.

    Parameters
    ----------
    seed : int
        Of the planted vocabulary.

    Returns
    -------
    WordVectors

    Warns
    -----
    UserWarning
        The cache has a file of that name with other content, which is left as it is, or the
        package that reads it is not installed.

    Examples
    --------
    >>> vectors = word_vectors()
    >>> bool((vectors.X.norm(dim=1) - 1).abs().max() < 1e-5)
    True
    """
    try:
        return load_word_vectors()
    except (WrongContent, ModuleNotFoundError) as error:
        warnings.warn(f"{error} Using a planted vocabulary.", stacklevel=2)
    except DataUnavailable:
        pass  # no news: the name of what is returned says it
    return planted_vocabulary(seed=seed)


def load_word_vectors() -> WordVectors:
    """Return 8,000 word2vec vectors of 300 coordinates, by decreasing frequency of the words.

    From the cache folder, or downloaded into it (about 4 MB) and verified.

    Returns
    -------
    WordVectors
        Of length 1, float32.

    Raises
    ------
    DataUnavailable
        The file is neither in the cache nor can it be downloaded.
    ModuleNotFoundError
        The package rdata, which reads R's format, is not installed.

    Examples
    --------
    >>> try:
    ...     vectors = load_word_vectors()
    ... except DataUnavailable:  # no network, and they are not in the cache
    ...     vectors = planted_vocabulary(d=300)
    >>> vectors.X.shape[1]
    300
    """
    table = read_r_table(WORDS_FILE, "demodata", what="word vectors")
    X = torch.from_numpy(np.stack(list(table["vec"])))
    return WordVectors(
        name="word2vec, Google News (8,000 words)",
        words=list(table["word"]),
        X=(X / X.norm(dim=1, keepdim=True)).float(),
    )


def planted_vocabulary(
    *,
    n_topics: int = 120,
    words_per_topic: int = 15,
    d: int = 100,
    noise: float = 0.3,
    seed: int = 0,
) -> WordVectors:
    r"""A synthetic vocabulary in which the senses of words are known, because they are planted.

    Each topic has an atom a, a random direction in d dimensions, and a word is a sum over its
    senses, the topics S it belongs to, with weights alpha from 0.6 to 1::

        v = sum_{s in S} alpha_s a_s + epsilon,   epsilon ~ N(0, noise^2 / d I),   then length 1

    The first eight topics are made of English words of one sense each, and of "tie" and "spring",
    which have four senses each. The other words are called "topic017-word03" after their first
    topic; six in ten have one sense, three have two and one has three. It is a model of words, and
    what is found in it says nothing about English.

    Parameters
    ----------
    n_topics : int
        At least 8; more than d makes the atoms an overcomplete dictionary.
    words_per_topic : int
        Words whose first sense is a topic, for topics from the ninth on; at least 1.
    d : int
        At least 2.
    noise : float
        Length of epsilon, root mean square; an atom has length 1.
    seed : int
        The same seed gives the same vectors.

    Returns
    -------
    WordVectors

    Raises
    ------
    ValueError
        A number is out of range.

    Examples
    --------
    >>> planted_vocabulary(n_topics=8, d=20).X.shape[1]
    20
    """
    seed = check_seed(seed)
    for name, value, least in (
        ("n_topics", n_topics, len(_TOPICS)),
        ("words_per_topic", words_per_topic, 1),
        ("d", d, 2),
    ):
        check_integer(name, value)
        if value < least:
            raise ValueError(f"{name}: got {value}, want at least {least}")
    check_not_negative("noise", noise)
    rng = np.random.default_rng(seed % 2**64)  # numpy takes no negative seeds
    named = list(_TOPICS)
    words: list[str] = []
    senses: list[list[int]] = []
    for word, topics in _SENSES.items():
        words.append(word)
        senses.append([named.index(topic) for topic in topics])
    for i, topic in enumerate(named):
        for word in _TOPICS[topic].split():
            words.append(word)
            senses.append([i])
    for i in range(len(named), n_topics):
        for j in range(words_per_topic):
            words.append(f"topic{i:03d}-word{j:02d}")
            others = int(rng.choice(3, p=(0.6, 0.3, 0.1)))
            senses.append([i, *rng.integers(len(named), n_topics, others).tolist()])
    atoms = rng.standard_normal((n_topics, d))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    X = noise / np.sqrt(d) * rng.standard_normal((len(words), d))
    for row, topics_of_word in zip(X, senses, strict=True):
        row += rng.uniform(_LEAST_WEIGHT, 1, len(topics_of_word)) @ atoms[topics_of_word]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return WordVectors("planted vocabulary (synthetic)", words, torch.from_numpy(X).float())
