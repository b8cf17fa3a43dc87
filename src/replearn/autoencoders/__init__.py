"""Autoencoders: networks, losses, penalties and corruptions, put together by ``objective``."""

from replearn.autoencoders.corruption import Corruption, Gaussian, Masking, SaltAndPepper
from replearn.autoencoders.layers import Dense, KSparse, TiedDecoder
from replearn.autoencoders.losses import cross_entropy, squared_error
from replearn.autoencoders.networks import (
    Autoencoder,
    convolutional_autoencoder,
    dense_autoencoder,
)
from replearn.autoencoders.objective import objective
from replearn.autoencoders.penalties import (
    Penalty,
    contractive,
    hutchinson,
    kl_to_rate,
    l1,
    weight_decay,
)

__all__ = [
    "Autoencoder",
    "Corruption",
    "Dense",
    "Gaussian",
    "KSparse",
    "Masking",
    "Penalty",
    "SaltAndPepper",
    "TiedDecoder",
    "contractive",
    "convolutional_autoencoder",
    "cross_entropy",
    "dense_autoencoder",
    "hutchinson",
    "kl_to_rate",
    "l1",
    "objective",
    "squared_error",
    "weight_decay",
]
