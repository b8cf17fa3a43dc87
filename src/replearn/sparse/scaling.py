"""Problems in units of their own, so that no square overflows and none vanishes.

With X = x' 2^e for each sample and D = D' 2^f, codes are ``h = h' 2^(e - f)``, penalties
``2^(e + f)`` and objectives ``2^(2e)`` times those of the problem of x' and D', the part l2
``2^(2f)`` times. Powers of two round nothing, so codes are those of the problem as given. It is
taken as given where its numbers are ordinary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from replearn._scale import exponent, exponents, powers, times_power
from replearn.sparse.arguments import Problem
from replearn.sparse.codes import Codes

_ORDINARY = 2.0**20  # numbers up to this, and from its inverse, are left as they are
_REPRESENTED = 2.0**500  # objectives of samples up to this long, and from its inverse, are numbers


@dataclass(frozen=True)
class Scaling:
    """The exponents of a problem: see the module's text."""

    samples: Tensor  # (n,) e
    atoms: int  # f
    weights: int = 0  # those of the norm are 2^-weights times what they were

    def penalties(self, given: Tensor) -> Tensor:
        """Penalties (n, p) of the problem as it was given, in its own units."""
        exponent = self.weights - self.samples - self.atoms
        big = torch.finfo(given.dtype).max
        return times_power(given, exponent[:, None]).clamp(max=big)

    def unscaled(self, codes: Codes, within: Problem) -> Codes:
        """The codes in the units of the problem as it was given."""
        H = times_power(codes.H, (self.samples - self.atoms)[:, None])
        _check_representable(codes.H, H, within)
        squares = powers(2 * self.samples)
        trace = codes.trace
        assert not trace or bool((self.samples == self.samples[0]).all()), "units differ"
        return replace(
            codes,
            H=H,
            objective=codes.objective * squares,
            gap=codes.gap * squares,
            trace=[value * float(squares[0]) for value in trace],
        )


def scaled(problem: Problem, *, common: bool = False) -> tuple[Problem, Scaling | None]:
    """The problem in its own units, and what leads back; (problem, None) where nothing is done.

    ``common`` asks for the same units for all samples.

    Raises
    ------
    ValueError
        Objectives would not be numbers in float64.
    """
    X, D = problem.X, problem.D
    longest, atoms = X.abs().amax(1), float(D.abs().max())
    _check_size("X", longest)
    filled = longest[longest > 0]
    weights = problem.norm.weights
    ends = [atoms if atoms > 0 else 1.0]
    ends += [float(filled.min()), float(filled.max())] if len(filled) else []
    ends += [float(weights.min()), float(weights.max())] if weights is not None else []
    if all(1 / _ORDINARY <= end <= _ORDINARY for end in ends):
        return problem, None
    if common and len(filled):
        longest = longest.max().expand(len(X))
    e, f = exponents(longest[:, None], 1), exponent(D)
    norm, g = problem.norm, 0
    if weights is not None:
        g = exponent(weights)
        norm = replace(norm, weights=times_power(weights, -g))
    big = torch.finfo(X.dtype).max
    scaling = Scaling(e, f, g)
    moved = replace(
        problem,
        X=times_power(X, -e[:, None]),
        D=times_power(D, -f),
        norm=norm,
        penalty=scaling.penalties(problem.penalty[:, None])[:, 0],
        l2=problem.l2 * 2.0 ** (-2 * f),
        H0=None
        if problem.H0 is None
        else times_power(problem.H0, (f - e)[:, None]).clamp(-big, big),
    )
    return moved, scaling


def _check_size(name: str, longest: Tensor) -> None:
    most = float(longest.max())
    if most > _REPRESENTED:
        raise ValueError(
            f"{name}: got values up to {most:.3g}, whose squares overflow float64, want at most "
            f"{_REPRESENTED:.0e}; divide {name} and the penalty by a number"
        )
    filled = longest[longest > 0]
    if len(filled) and float(filled.min()) < 1 / _REPRESENTED:
        raise ValueError(
            f"{name}: got a row of values up to {float(filled.min()):.3g}, whose squares underflow "
            f"float64, want at least {1 / _REPRESENTED:.0e}; multiply {name} and the penalty by a "
            "number"
        )


def _check_representable(inner: Tensor, H: Tensor, problem: Problem) -> None:
    dtype = H.dtype
    info = torch.finfo(dtype)
    largest = H.abs().amax(1)
    lost = (inner != 0).any(1) & (largest < info.tiny / info.eps)
    wrong = ~torch.isfinite(largest) | lost
    if bool(wrong.any()):
        i = int(wrong.nonzero()[0])
        what = "underflow" if bool(lost[i]) else "overflow"
        raise ValueError(
            f"X, D: got values up to {float(problem.X[i].abs().max()):.3g} in row {i} and "
            f"{float(problem.D.abs().max()):.3g}, for which codes {what} {dtype}, want X and D of "
            "more similar size"
        )
