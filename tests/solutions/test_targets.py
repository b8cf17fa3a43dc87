"""The target values that the assignments print are what the library computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from replearn import autoencoders, sparse
from replearn.autoencoders import Dense, dense_autoencoder
from replearn.metrics import reconstruction_error
from replearn.mixtures import GaussianMixture
from replearn.pretraining import RBM
from replearn.training import train

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
        "objective at zero": float(sparse.lasso_objective(X, D, zero, penalty).mean()),
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
    assert (
        least
        < sweeps[1]
        < sweeps[0]
        < float(sparse.lasso_objective(X, D, zero, penalty)[:4].mean())
    )


def test_targets_of_problem_set_4():
    given = setup_of("ps4_regularised")
    X, classes, targets = (given[k] for k in ("digits", "digit_classes", "TARGETS"))
    identity = autoencoders.dense_autoencoder([64, 64], activation="linear").double()
    with torch.no_grad():
        identity.decoder[0].weight.copy_(torch.eye(64))
        identity.decoder[0].bias.zero_()

    def floor(codes: torch.Tensor) -> float:
        """The identity as decoder, so codes are logits; the best have the mean of a group."""
        means = torch.stack([X[:100][codes == code].mean(dim=0) for code in codes])
        logits = torch.logit(means.clamp(1e-12, 1 - 1e-12))
        return float(autoencoders.cross_entropy(identity, logits, X[:100]).detach())

    weights, means, variances = given["MIXTURE"]
    Y = torch.tensor([[1.5, 0.5], [-0.6, 1.2]], dtype=X.dtype)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(16))
    training, held_out = X[order[:1200]], X[order[1200:]]
    noise = torch.Generator().manual_seed(17)
    noisy = held_out + 0.5 * torch.randn(held_out.shape, dtype=X.dtype, generator=noise)

    def error(X_hat: torch.Tensor) -> float:
        return float((X_hat - held_out).square().sum() / len(held_out))

    # Ridge regression as least squares, with rows that stand for the noise of each pixel.
    std = 0.2 + 0.6 * (torch.arange(64) % 8).double() / 7
    rows = torch.cat([X[:600] / 600**0.5, torch.diag(std)])
    goals = torch.cat([X[:600] / 600**0.5, torch.zeros(64, 64, dtype=X.dtype)])
    centred = training - training.mean(dim=0)
    # One Gaussian with the data's moments has the best affine denoiser as its posterior mean.
    normal = GaussianMixture(training.mean(dim=0)[None], centred.T @ centred / 1200)
    expected = {
        "least Bernoulli loss, one code": floor(torch.zeros(100)),
        "least Bernoulli loss, classes": floor(classes[:100]),
        "least Bernoulli loss, own codes": floor(torch.arange(100)),
        "error of the linear denoiser": float(
            (rows @ torch.linalg.lstsq(rows, goals).solution - goals).square().sum()
        ),
        "error of the best affine denoiser": error(normal.posterior_mean(noisy, 0.5)),
        "error of the posterior mean over the training digits": error(
            GaussianMixture(training, 0.0).posterior_mean(noisy, 0.5)
        ),
    }
    assert expected == {name: pytest.approx(targets[name], abs=2e-6) for name in expected}
    mixture = GaussianMixture(means, variances, weights)
    found = mixture.posterior_mean(Y, 0.8), mixture.score_function(Y, 0.8)
    for values, name in zip(found, ("posterior means", "scores"), strict=True):
        assert values.tolist() == [pytest.approx(row, abs=1e-6) for row in targets[name]]


def test_targets_of_problem_set_5():
    given = setup_of("ps5_pretraining")
    targets, digits = given["TARGETS"], given["digits"]
    space: dict[str, Any] = dict(given)
    notebook = jupytext.read(SOLUTIONS / "ps5_pretraining" / "ps5_pretraining.md")
    (tools,) = [c for c in notebook.cells if c.metadata["nbgrader"]["grade_id"] == "tools"]
    exec(tools.source, space)

    rbm = RBM(4, 3).double()
    numbers = space["random_rbm"](4, 3, 1.0, torch.Generator().manual_seed(3))
    for parameter, value in zip((rbm.weight, rbm.bias, rbm.visible_bias), numbers, strict=True):
        parameter.data.copy_(value)
    X = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1]]).double()
    rbm.requires_grad_(False)
    log_z = torch.logsumexp(-rbm.free_energy(space["all_states"](4)), dim=0)
    likelihood = float(-rbm.free_energy(X).mean() - log_z)
    assert likelihood == pytest.approx(targets["mean log-likelihood of four samples"], abs=1e-6)

    layers = space["random_layers"]([64, 20, 10], 0.3, torch.Generator().manual_seed(7))
    model = dense_autoencoder([64, 20, 10], activation="sigmoid", code="sigmoid").double()
    dense = [module for module in model.modules() if isinstance(module, Dense)]
    pieces = [layer[:2] for layer in layers] + [layer[2:] for layer in layers[::-1]]
    for module, (A, a) in zip(dense, pieces, strict=True):
        module.weight.data.copy_(A)
        module.bias.data.copy_(a)
    errors = [reconstruction_error(digits[:100], model(digits[:100]).detach())]
    for steps in (1, 19):
        train(
            model,
            digits[:100],
            loss=lambda model, x: (x - model(x)).square().sum(1).mean(),
            epochs=steps,
            batch_size=None,
            optimizer=lambda p: torch.optim.SGD(p, lr=0.1),
            progress=False,
        )
        errors.append(reconstruction_error(digits[:100], model(digits[:100]).detach()))
    steps = "error before, after 1 and after 20 steps of fine-tuning"
    assert errors == pytest.approx(targets[steps], abs=1e-6)

    generator = torch.Generator().manual_seed(8)
    X, y = space["planted_classes"](60, 12, 3, generator, strength=0.1)
    H = ((X - X.mean(0)) / X.std(0, correction=0)).numpy()
    # scikit-learn's objective is ours times C n, with C = 1 / (n penalty).
    probe = LogisticRegression(C=1 / (60 * 0.05), tol=1e-10, max_iter=10_000).fit(H, y.numpy())
    p = probe.predict_proba(H)[range(60), y.numpy()]
    loss = float(-np.log(p).mean() + 0.025 * (probe.coef_**2).sum())
    assert loss == pytest.approx(targets["smallest loss of the probe"], abs=1e-6)
