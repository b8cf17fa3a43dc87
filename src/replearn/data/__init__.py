"""Data sets: handwritten digits, photographs and their patches, word vectors, synthetic manifolds.

``REPLEARN_DATA`` names the cache folder; :mod:`replearn.data.cache` says how it is used.
"""

from replearn.data.covariance import data_with_covariance
from replearn.data.dataset import Dataset
from replearn.data.digits import handwritten_digits, load_digits, load_mnist
from replearn.data.errors import DataUnavailable, WrongContent
from replearn.data.manifolds import circle, spiral, swiss_roll, two_moons
from replearn.data.photographs import Photographs, extract_patches, load_photographs
from replearn.data.words import (
    WordVectors,
    load_word_vectors,
    planted_vocabulary,
    word_vectors,
)

__all__ = [
    "DataUnavailable",
    "Dataset",
    "Photographs",
    "WordVectors",
    "WrongContent",
    "circle",
    "data_with_covariance",
    "extract_patches",
    "handwritten_digits",
    "load_digits",
    "load_mnist",
    "load_photographs",
    "load_word_vectors",
    "planted_vocabulary",
    "spiral",
    "swiss_roll",
    "two_moons",
    "word_vectors",
]
