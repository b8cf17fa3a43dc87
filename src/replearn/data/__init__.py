"""Data sets: handwritten digits, photographs and their patches, synthetic manifolds.

``REPLEARN_DATA`` names the cache folder; :mod:`replearn.data.cache` says how it is used.
"""

from replearn.data.dataset import Dataset
from replearn.data.digits import handwritten_digits, load_digits, load_mnist
from replearn.data.errors import DataUnavailable, WrongContent
from replearn.data.manifolds import circle, spiral, swiss_roll, two_moons
from replearn.data.photographs import Photographs, extract_patches, load_photographs

__all__ = [
    "DataUnavailable",
    "Dataset",
    "Photographs",
    "WrongContent",
    "circle",
    "extract_patches",
    "handwritten_digits",
    "load_digits",
    "load_mnist",
    "load_photographs",
    "spiral",
    "swiss_roll",
    "two_moons",
]
