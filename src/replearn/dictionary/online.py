r"""Online dictionary learning: a dictionary step after every mini-batch (Mairal et al. 2010).

The dictionary minimises a surrogate of the mean objective, in which each sample keeps the code it
got when it was seen::

    1/2 tr(D^T D A_t) - tr(D B_t),   A_t = sum_i w_i h_i h_i^T,  B_t = sum_i w_i h_i x_i^T

Old codes belong to old dictionaries, so they fade: a mini-batch of b samples after t multiplies
the old sums by::

    max( (t / (t + b))^rho, exp(-b / M) ),   M = 4 m

The first is the (1 - 1/t)^rho of the paper, for mini-batches: the sample seen s-th weighs
(s / t)^rho after t, about the last t / (rho + 1) samples count. The second keeps that memory from
being shorter than M samples, of which m atoms cannot be told well; it holds while t < rho M. Both
telescope, so the size of the batches does not change the weights between them. rho = 0 forgets
nothing.

References
----------
J. Mairal, F. Bach, J. Ponce and G. Sapiro, Journal of Machine Learning Research 11 (2010), section
3.4 for rho, mini-batches and the replacement of atoms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from replearn.dictionary.atoms import normalise_atoms
from replearn.dictionary.update import update_atoms
from replearn.sparse import sparse_codes
from replearn.sparse.solve import Solver

# An atom that none of the last _PATIENCE * m samples used is replaced. If the m atoms were used
# equally often and by one sample each, an atom would be missed so long with probability e^-10.
_PATIENCE = 10
_MEMORY = 4  # samples per atom that count at least
_MOST_DRAWN = 2**24  # torch.multinomial takes no more


@dataclass(frozen=True)
class Settings:
    """What stays the same over the steps."""

    penalty: float
    solver: Solver
    code_tol: float
    forgetting: float
    nonnegative: bool
    positive_dictionary: bool = False


@dataclass(frozen=True)
class OnlineState:
    """All that a step changes. A step makes a new one, so an interruption leaves a whole one."""

    atoms: Tensor  # (m, d), D^T
    A: Tensor  # (m, m)
    B: Tensor  # (m, d)
    idle: Tensor  # (m,) int64: samples since an atom was last used
    random: Tensor  # state of the generator, for the draws of replacements
    seen: int = 0  # samples
    steps: int = 0  # mini-batches
    replaced: int = 0
    unconverged: int = 0  # codes, of all steps


def start(atoms: Tensor, random: Tensor) -> OnlineState:
    """The state before the first sample."""
    m, d = atoms.shape
    return OnlineState(
        atoms=atoms,
        A=atoms.new_zeros(m, m),
        B=atoms.new_zeros(m, d),
        idle=torch.zeros(m, dtype=torch.int64, device=atoms.device),
        random=random,
    )


def learn_batch(state: OnlineState, X: Tensor, settings: Settings) -> tuple[OnlineState, float]:
    """One step on the samples X (b, d); returns also the sum of their objectives at its codes."""
    codes = sparse_codes(
        X,
        state.atoms.T,
        settings.penalty,
        solver=settings.solver,
        tol=settings.code_tol,
        nonnegative=settings.nonnegative,
    )
    H, b = codes.H, len(X)
    memory = _MEMORY * len(state.atoms)
    fade = max((state.seen / (state.seen + b)) ** settings.forgetting, math.exp(-b / memory))
    A = torch.addmm(state.A, H.T, H, beta=fade)
    B = torch.addmm(state.B, H.T, X, beta=fade)
    atoms = update_atoms(state.atoms, A, B, positive=settings.positive_dictionary)
    idle = torch.where((H != 0).any(0), 0, state.idle + b)
    state = replace(
        state,
        atoms=atoms,
        A=A,
        B=B,
        idle=idle,
        seen=state.seen + b,
        steps=state.steps + 1,
        unconverged=state.unconverged + int((~codes.converged).sum()),
    )
    unused = idle >= _PATIENCE * len(atoms)
    if bool(unused.any()):
        state = _replace_unused(state, unused, X, H, settings.positive_dictionary)
    return state, float(codes.objective.double().sum())


def _replace_unused(
    state: OnlineState, unused: Tensor, X: Tensor, H: Tensor, positive: bool
) -> OnlineState:
    """Put samples of the batch in the place of unused atoms, and forget what these had done."""
    generator = generator_at(state.random)
    places, new = draw_replacements(unused, X, X - H @ state.atoms, positive, generator)
    atoms, A, B, idle = (t.clone() for t in (state.atoms, state.A, state.B, state.idle))
    atoms[places] = new
    A[places], A[:, places], B[places], idle[places] = 0, 0, 0, 0
    return replace(
        state,
        atoms=atoms,
        A=A,
        B=B,
        idle=idle,
        random=generator.get_state(),
        replaced=state.replaced + len(places),
    )


def draw_replacements(
    unused: Tensor, X: Tensor, residual: Tensor, positive: bool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Places (k,) of unused atoms and as many new atoms (k, d) to put there: samples, normalised.

    A sample is drawn with probability proportional to ||x - D h||^2, so what the dictionary cannot
    say yet is drawn most. If fewer samples than unused atoms have an error, k is their number.
    Atoms with no negative entry are the positive parts of samples that have one.
    """
    weight = residual[:_MOST_DRAWN].square().sum(1).cpu().double()
    if positive:
        weight *= (X[:_MOST_DRAWN] > 0).any(1).cpu()
    places = unused.nonzero().squeeze(1)
    k = min(len(places), int((weight > 0).sum()))
    if k == 0:
        return places[:0], X[:0]
    samples = torch.multinomial(weight, k, generator=generator).to(places.device)
    return places[:k], unit_rows(X[samples].clamp(min=0) if positive else X[samples])


def unit_rows(X: Tensor) -> Tensor:
    """Rows of X, none of them zero, divided by their lengths."""
    return normalise_atoms(X.T).T.contiguous()


def generator_at(random: Tensor) -> torch.Generator:
    """A generator on the CPU in the given state, so that all devices draw the same."""
    generator = torch.Generator("cpu")
    generator.set_state(random)
    return generator
