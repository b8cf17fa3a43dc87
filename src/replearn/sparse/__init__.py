"""Sparse coding: see replearn.sparse.lasso for the problem, sparse_codes for its solution."""

from replearn.sparse.codes import Codes
from replearn.sparse.coordinate import coordinate_descent
from replearn.sparse.lasso import (
    duality_gap,
    largest_penalty,
    lasso_objective,
    lipschitz,
    optimality,
)
from replearn.sparse.lista import LISTA, lista_loss
from replearn.sparse.path import homotopy
from replearn.sparse.prox import (
    hard_threshold,
    nonnegative_threshold,
    sign_clamp,
    soft_threshold,
)
from replearn.sparse.proximal_gradient import fista, ista
from replearn.sparse.pursuit import omp
from replearn.sparse.selection import PenaltySelection, codes_along, select_penalty
from replearn.sparse.solve import sparse_codes

__all__ = [
    "LISTA",
    "Codes",
    "PenaltySelection",
    "codes_along",
    "coordinate_descent",
    "duality_gap",
    "fista",
    "hard_threshold",
    "homotopy",
    "ista",
    "largest_penalty",
    "lasso_objective",
    "lipschitz",
    "lista_loss",
    "nonnegative_threshold",
    "omp",
    "optimality",
    "select_penalty",
    "sign_clamp",
    "soft_threshold",
    "sparse_codes",
]
