"""Data sets: handwritten digits, photographs and patches, faces, word vectors, synthetic manifolds.

What is not bundled is downloaded once into a cache folder, the operating system's or the one that
the environment variable ``REPLEARN_DATA`` names, and checked by its hash; a file that is there is
never downloaded again nor touched. With ``REPLEARN_OFFLINE=1`` the network is not asked at all.
"""

from replearn.data.covariance import data_with_covariance
from replearn.data.dataset import Dataset
from replearn.data.digits import handwritten_digits, load_digits, load_mnist
from replearn.data.errors import DataUnavailable, WrongContent
from replearn.data.faces import Faces, drawn_faces, face_frames, load_frey_faces
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
    "Faces",
    "Photographs",
    "WordVectors",
    "WrongContent",
    "circle",
    "data_with_covariance",
    "drawn_faces",
    "extract_patches",
    "face_frames",
    "handwritten_digits",
    "load_digits",
    "load_frey_faces",
    "load_mnist",
    "load_photographs",
    "load_word_vectors",
    "planted_vocabulary",
    "spiral",
    "swiss_roll",
    "two_moons",
    "word_vectors",
]
