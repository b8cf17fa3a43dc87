"""Dictionaries: learning them, comparing them, describing their atoms."""

from replearn.dictionary.atoms import AtomMatch, match_atoms, mutual_coherence, normalise_atoms
from replearn.dictionary.gabor import GaborFits, fit_gabor
from replearn.dictionary.ksvd import KSVD
from replearn.dictionary.learning import DictionaryLearning
from replearn.dictionary.update import alternating_step

__all__ = [
    "KSVD",
    "AtomMatch",
    "DictionaryLearning",
    "GaborFits",
    "alternating_step",
    "fit_gabor",
    "match_atoms",
    "mutual_coherence",
    "normalise_atoms",
]
