"""The target values that the assignments print are what the library computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch

from replearn import sparse

SOLUTIONS = Path(__file__).parents[2] / "solutions"


def setup_of(name: str) -> dict[str, Any]:
    """What the given first cell of an assignment defines."""
    notebook = jupytext.read(SOLUTIONS / name / f"{name}.md")
    (cell,) = [c for c in notebook.cells if c.metadata["nbgrader"]["grade_id"] == "setup"]
    space: dict[str, Any] = {}
    exec(cell.source, space)
    return space


def test_targets_of_problem_set_2():
    given = setup_of("ps2_ista")
    X, D, penalty, targets = (given[k] for k in ("samples", "atoms", "PENALTY", "TARGETS"))
    zero = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    steps = {"step": given["STEP"], "tol": 0.0, "max_iter": 50, "trace": True}
    first = {"step": given["STEP"], "tol": 0.0, "max_iter": 5, "trace": True}
    best = sparse.sparse_codes(X, D, penalty, tol=1e-12)
    assert bool(best.converged.all())
    expected = {
        "violation at zero": float(sparse.optimality(X, D, zero, penalty).mean()),
        "L": sparse.lipschitz(D),
        "objective at zero": float(sparse.objective(X, D, zero, penalty).mean()),
        "objective after 50 steps of ISTA": sparse.ista(X, D, penalty, **steps).trace[-1],
        "objective after 50 steps of FISTA": sparse.fista(
            X, D, penalty, restart=False, **steps
        ).trace[-1],
        "gap at zero": float(sparse.duality_gap(X, D, zero, penalty).mean()),
        "smallest objective": float(best.objective.mean()),
        "largest penalty": float(sparse.largest_penalty(X, D).mean()),
        "first four after 5 steps of ISTA": sparse.ista(X[:4], D, penalty, **first).trace[-1],
    }
    assert expected == {name: pytest.approx(targets[name], abs=1e-6) for name in expected}
    assert 1 / targets["L"] * 0.99 < given["STEP"] < 1 / targets["L"]
    # Sweeps of coordinate descent lie between: each helps, and none goes below the minimum.
    least = float(best.objective[:4].mean())
    sweeps = [
        targets[f"first four after {k}" + (" sweep" if k == 1 else " sweeps")] for k in (1, 5)
    ]
    assert least < sweeps[1] < sweeps[0] < float(sparse.objective(X, D, zero, penalty)[:4].mean())
