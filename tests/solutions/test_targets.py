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
    X, W, b, targets = (given[k] for k in ("digits", "W_digits", "b_digits", "TARGETS"))
    identity = autoencoders.dense_autoencoder([64, 64], activation="linear").double()
    with torch.no_grad():
        identity.decoder[0].weight.copy_(torch.eye(64))
        identity.decoder[0].bias.zero_()
    encoder = autoencoders.dense_autoencoder([64, 20], activation="sigmoid").double()
    with torch.no_grad():
        encoder.encoder[0].weight.copy_(W)
        encoder.encoder[0].bias.copy_(b)
    H = encoder.encode(X)
    # The identity as decoder: codes are logits. The best ones have the pixels as probabilities.
    best = torch.logit(X[:100].clamp(1e-12, 1 - 1e-12))
    weights, means, variances = given["MIXTURE"]
    Y = torch.tensor([[1.5, 0.5], [-0.6, 1.2]], dtype=X.dtype)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(16))
    training, held_out = X[order[:1200]], X[order[1200:]]
    noise = torch.Generator().manual_seed(17)
    noisy = held_out + 0.5 * torch.randn(held_out.shape, dtype=X.dtype, generator=noise)

    def error(X_hat: torch.Tensor) -> float:
        return float((X_hat - held_out).square().sum() / len(held_out))

    # Ridge regression as least squares, with rows that stand for the noise.
    rows = torch.cat([X / len(X) ** 0.5, 0.5 * torch.eye(64, dtype=X.dtype)])
    goals = torch.cat([X / len(X) ** 0.5, torch.zeros(64, 64, dtype=X.dtype)])
    centred = training - training.mean(dim=0)
    # One Gaussian with the data's moments has the best affine denoiser as its posterior mean.
    normal = GaussianMixture(training.mean(dim=0)[None], centred.T @ centred / 1200)
    expected = {
        "Bernoulli loss": float(
            autoencoders.cross_entropy(identity, 6 * X[1:101] - 3, X[:100]).detach()
        ),
        "least Bernoulli loss": float(autoencoders.cross_entropy(identity, best, X[:100]).detach()),
        "KL to the rate 0.05": float(autoencoders.kl_to_rate(0.05)(encoder, X, H).detach()),
        "error of the linear denoiser": float(
            (rows @ torch.linalg.lstsq(rows, goals).solution - goals).square().sum()
        ),
        "contractive penalty": float(autoencoders.contractive(encoder, X, H).detach()),
        "error of the best affine denoiser": error(normal.posterior_mean(noisy, 0.5)),
        "error of the posterior mean over the training digits": error(
            GaussianMixture(training, 0.0).posterior_mean(noisy, 0.5)
        ),
    }
    assert expected == {name: pytest.approx(targets[name], abs=2e-6) for name in expected}
    found = GaussianMixture(means, variances, weights).posterior_mean(Y, 0.8)
    assert found.tolist() == [pytest.approx(row, abs=1e-6) for row in targets["posterior means"]]


def test_targets_of_problem_set_5():
    given = setup_of("ps5_pretraining")
    targets, digits, labels = given["TARGETS"], given["digits"], given["labels"]
    space: dict[str, Any] = dict(given)
    notebook = jupytext.read(SOLUTIONS / "ps5_pretraining" / "ps5_pretraining.md")
    for cell in notebook.cells:
        if cell.metadata["nbgrader"]["grade_id"] in ("tools", "q9_constants"):
            exec(cell.source, space)

    # The machine of spins is a machine of bits in other units.
    rbm = RBM(4, 3).double()
    W = torch.tensor([[1, -0.5, 0, 2], [0.5, 1, -1, 0], [-1, 0.5, 0.5, -0.5]]).double()
    b, c = torch.tensor([0.5, -1, 0]).double(), torch.tensor([0, 1, -0.5, 0.25]).double()
    numbers = 2 * W, 2 * b, c - W.sum(0)
    for parameter, value in zip((rbm.weight, rbm.bias, rbm.visible_bias), numbers, strict=True):
        parameter.data.copy_(value)
    X = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1]]).double()
    rbm.requires_grad_(False)
    log_z = torch.logsumexp(-rbm.free_energy(space["all_bits"](4)), dim=0)
    likelihood = float(-rbm.free_energy(X).mean() - log_z)
    assert likelihood == pytest.approx(targets["mean log-likelihood of four samples"], abs=1e-6)

    generator, H, errors = torch.Generator().manual_seed(5), digits[:100], []
    draws = [
        [torch.rand(100, d, dtype=torch.float64, generator=generator) >= 0.25 for _ in range(60)]
        for d in (64, 32)
    ]
    for seed, (masks, d, m) in enumerate(zip(draws, (64, 32), (32, 16), strict=True)):
        layer = space["Layer"](d, m, seed)
        before = space["relative_error"](H, layer.weights())
        optimizer = torch.optim.SGD(layer.parameters(), lr=2.0)
        for mask in masks:
            optimizer.zero_grad()
            (H - layer(mask * H)).square().sum(1).mean().backward()
            optimizer.step()
        errors.append([before, space["relative_error"](H, layer.weights())])
        H = space["through"](H, [layer.weights()[:2]])
    name = "relative error of two layers, before and after training"
    assert np.array(errors) == pytest.approx(np.array(targets[name]), abs=1e-5)

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

    def probe(H: torch.Tensor, y: torch.Tensor, penalty: float) -> LogisticRegression:
        # scikit-learn's objective is ours times C n, with C = 1 / (n penalty).
        C = 1 / (len(H) * penalty)
        fit = LogisticRegression(C=C, tol=1e-10, max_iter=10_000, class_weight="balanced")
        return fit.fit(H.numpy(), y.numpy())

    generator = torch.Generator().manual_seed(8)
    X, y = space["planted_classes"](60, 12, 3, generator, strength=0.1)
    kept = (y != 2) | (torch.arange(60) < 20)
    X, y = X[kept], y[kept]
    H = (X - X.mean(0)) / X.std(0, correction=0)
    best = probe(H, y, 0.05)
    row = np.array(targets["first row of V of the probe"])
    assert best.coef_[0] == pytest.approx(row, abs=1e-4)

    accuracy = np.zeros((3, 3, 2))
    for seed in range(3):
        start = [
            space["Layer"](d, m, 10 * seed + k).weights()[:2]
            for k, (d, m) in enumerate([(64, 24), (24, 12)])
        ]
        stacks = [[], start, space["pretrain"](digits, [24, 12], 10 * seed)]
        for row, stack in enumerate(stacks):
            H, H_test = (space["through"](A, stack) for A in (digits, given["digits_test"]))
            centre, spread = H.mean(0), H.std(0, correction=0)
            spread[spread == 0] = 1
            for column, number in enumerate((1, 10)):
                members = [
                    (labels == k).nonzero()[:, 0].roll(-5 * seed)[:number] for k in range(10)
                ]
                index = torch.cat(members)
                fit = probe(((H - centre) / spread)[index], labels[index], space["PENALTY"])
                guess = fit.predict(((H_test - centre) / spread).numpy())
                accuracy[seed, row, column] = (guess == given["labels_test"].numpy()).mean()
    for row, kind in enumerate(("pixels", "random start", "pretrained")):
        expected = targets[f"accuracy at 1 and 10 labels a class, {kind}"]
        assert accuracy.mean(0)[row] == pytest.approx(np.array(expected), abs=0.003)
