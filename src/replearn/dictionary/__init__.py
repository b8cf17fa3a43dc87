"""Dictionaries: learning them, comparing them, describing their atoms.

Two relatives are left to scikit-learn, which does them well. Non-negative matrix factorisation
(Lee and Seung, Nature 401, 1999) asks for atoms and codes that are both >= 0, and independent
component analysis (Hyvarinen and Oja, Neural Networks 13, 2000) for square dictionaries whose codes
are as independent as can be. Both take arrays; their atoms go on here as tensors:

>>> import torch
>>> from sklearn.decomposition import NMF, FastICA
>>> X = torch.rand(200, 9, generator=torch.Generator().manual_seed(0))
>>> nmf = NMF(4, init="nndsvda", max_iter=1000, tol=1e-3, random_state=0).fit(X.numpy())
>>> D = normalise_atoms(torch.from_numpy(nmf.components_.T))
>>> D.shape, bool((D >= 0).all())
(torch.Size([9, 4]), True)
>>> ica = FastICA(whiten="unit-variance", max_iter=1000, tol=1e-3, random_state=0).fit(X.numpy())
>>> normalise_atoms(torch.from_numpy(ica.mixing_)).shape
torch.Size([9, 9])
"""

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
