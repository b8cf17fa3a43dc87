"""Autoencoders: networks, losses, penalties and corruptions, put together by ``objective``.

Predictive sparse decomposition and deep factorisation; models in files.
"""

from replearn.autoencoders.corruption import Corruption, Gaussian, Masking, SaltAndPepper
from replearn.autoencoders.factorisation import DeepFactorisation, factorisation_loss
from replearn.autoencoders.layers import Dense, KSparse, TiedDecoder
from replearn.autoencoders.losses import cross_entropy, squared_error
from replearn.autoencoders.networks import (
    Autoencoder,
    convolutional_autoencoder,
    dense_autoencoder,
)
from replearn.autoencoders.objectives import objective
from replearn.autoencoders.penalties import (
    Penalty,
    contractive,
    hutchinson,
    kl_to_rate,
    l1,
    weight_decay,
)
from replearn.autoencoders.predictive import PredictiveSparse, predictive_loss
from replearn.autoencoders.saving import load_model, save_model

__all__ = [
    "Autoencoder",
    "Corruption",
    "DeepFactorisation",
    "Dense",
    "Gaussian",
    "KSparse",
    "Masking",
    "Penalty",
    "PredictiveSparse",
    "SaltAndPepper",
    "TiedDecoder",
    "contractive",
    "convolutional_autoencoder",
    "cross_entropy",
    "dense_autoencoder",
    "factorisation_loss",
    "hutchinson",
    "kl_to_rate",
    "l1",
    "load_model",
    "objective",
    "predictive_loss",
    "save_model",
    "squared_error",
    "weight_decay",
]
