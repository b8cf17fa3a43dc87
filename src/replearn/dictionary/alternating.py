r"""Alternating minimisation over all samples: codes for the dictionary, dictionary for the codes.

    minimise (1/n) sum_i 1/2 ||x_i - D h_i||^2 + penalty ||h_i||_1   over H and unit atoms

Neither half can increase the objective: the codes start from the last ones, and a sample whose new
code is no better keeps the old one; the dictionary step minimises exactly over one atom at a time.
The objective is bounded below, so its values converge; the pair (D, H) need not be a global
minimum, because the problem is not convex in both together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from replearn._gram import gram
from replearn.dictionary.online import Settings, draw_replacements, generator_at
from replearn.dictionary.update import update_atoms
from replearn.sparse import lasso_objective, sparse_codes

_SWEEPS = 5  # over the atoms, in one dictionary step: cheap beside the codes


@dataclass(frozen=True)
class AlternatingState:
    """All that an alternation changes. Each makes a new one: an interruption leaves a whole one."""

    atoms: Tensor  # (m, d), D^T
    H: Tensor  # (n, m)
    random: Tensor  # state of the generator, for the draws of replacements
    objective: tuple[float, ...] = ()
    replaced: int = 0
    converged: bool = False
    unconverged: int = 0  # codes of the latest alternation


def alternate(state: AlternatingState, X: Tensor, settings: Settings) -> AlternatingState:
    """One alternation; the objective after it is appended, unless rounding stops the descent."""
    D = state.atoms.T
    codes = sparse_codes(
        X,
        D,
        settings.penalty,
        solver=settings.solver,
        tol=settings.code_tol,
        H0=state.H,
        nonnegative=settings.nonnegative,
    )
    H, unconverged = codes.H, int((~codes.converged).sum())
    penalty = settings.penalty
    better = lasso_objective(X, D, H, penalty) <= lasso_objective(X, D, state.H, penalty)
    H = torch.where(better[:, None], H, state.H)
    positive = settings.positive_dictionary
    atoms = update_atoms(state.atoms, gram(H), H.T @ X, _SWEEPS, positive=positive)

    unused, random, replaced = ~(H != 0).any(0), state.random, state.replaced
    if bool(unused.any()):
        generator = generator_at(random)
        places, new = draw_replacements(unused, X, X - H @ atoms, positive, generator)
        atoms[places] = new  # their codes are zero: no change of the objective
        random, replaced = generator.get_state(), replaced + len(places)

    value = float(lasso_objective(X, atoms.T, H, penalty).double().mean())
    if state.objective and value > state.objective[-1]:
        return replace(state, converged=True, unconverged=unconverged)
    return AlternatingState(
        atoms, H, random, (*state.objective, value), replaced, unconverged=unconverged
    )
