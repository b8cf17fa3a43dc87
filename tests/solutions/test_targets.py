"""The target values that the assignments print are what the library computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression

from replearn import autoencoders, images, sparse
from replearn.autoencoders import Dense, dense_autoencoder
from replearn.dictionary import match_atoms
from replearn.metrics import reconstruction_error
from replearn.mixtures import GaussianMixture
from replearn.pca import PCA
from replearn.pretraining import RBM
from replearn.training import train

SOLUTIONS = Path(__file__).parents[2] / "solutions"


def setup_of(name: str, *more: str) -> dict[str, Any]:
    """What the given first cell of an assignment defines, and other given cells by their names."""
    notebook = jupytext.read(SOLUTIONS / name / f"{name}.md")
    space: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.metadata["nbgrader"]["grade_id"] in ("setup", *more):
            exec(cell.source, space)
    return space


def test_targets_of_problem_set_1():
    digits = setup_of("ps1_pca")["digits"]
    notebook = jupytext.read(SOLUTIONS / "ps1_pca" / "ps1_pca.md")
    cells = {c.metadata["nbgrader"]["grade_id"]: c.source for c in notebook.cells}
    lost = np.arange(digits.numel()).reshape(digits.shape) % 3 != 0
    pixels = np.ma.masked_array(digits.numpy(), lost)
    n = 300
    first = PCA(1).fit(digits[:n]).explained_variance_[0] * (n - 1) / n
    pca = PCA(10).fit(digits)
    seen = (np.arange(64) + np.arange(20)[:, None]) % 3 > 0
    W, centred = np.asarray(pca.components_), (digits[:20] - pca.mean_).numpy()
    pairs = list(zip(centred, seen, strict=True))
    codes = np.array([np.linalg.lstsq(W[:, s].T, x[s], rcond=None)[0] for x, s in pairs])
    full = centred @ W.T
    errors = [((H - full) ** 2).sum() / (full**2).sum() for H in (codes, (centred * seen) @ W.T)]
    for test, target in [
        ("q1_mean_visible", pixels.mean(axis=0).max()),
        ("q3_variances_visible", float(first)),
        ("q4_encode_visible", errors[0]),
        ("q4_encode_visible", errors[1]),
    ]:
        assert f"{target:.6f}" in cells[test]
    directions = int((PCA().fit(digits).explained_variance_ > 1e-12).sum())
    assert f"(2, {directions})" in cells["q6_whiten_visible"]
    # A direction of deviation s costs 2 rho s - rho^2 where s > rho, and s^2 otherwise.
    least = sum(2 * s - 1 if s > 1 else s**2 for s in (3.0, 2.0, 0.5))
    assert f"8.45473683, {least:.2f}]" in cells["q8_alternation_visible"]


def test_targets_of_problem_set_2():
    given = setup_of("ps2_ista")
    names = ("samples", "atoms", "PENALTIES", "seen", "TARGETS")
    X, D, penalties, seen, targets = (given[k] for k in names)
    zero = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    # The library knows one penalty for all atoms: atoms divided by theirs have the penalty 1.
    priced = D / penalties
    best = sparse.sparse_codes(X, priced, 1.0, tol=1e-12)
    assert bool(best.converged.all())
    free, rest = D[:, :3], D[:, 3:]
    left = X - X @ torch.linalg.pinv(free).T @ free.T
    expected = {
        "violation at zero": float(((X @ D).abs() - penalties).clamp(min=0).amax(dim=1).mean()),
        "L": sparse.lipschitz(D),
        "L with lost pixels": float(np.mean([sparse.lipschitz(row[:, None] * D) for row in seen])),
        "distance bound": float((X**2).sum(dim=1).mean() / 2 / penalties.min()),
        "objective at zero": float(sparse.lasso_objective(X, priced, zero, 1.0).mean()),
        "objective with lost pixels at zero": float(
            sparse.lasso_objective(seen * X, D, zero, 1.0).mean()
        ),
        "squared error of the mean image there": float((X[seen == 0] ** 2).mean()),
        "smallest objective": float(best.objective.mean()),
        "largest penalty": float(sparse.largest_penalty(left, rest).mean()),
    }
    assert expected == {name: pytest.approx(targets[name], abs=1e-6) for name in expected}
    assert 1 / targets["L"] * 0.99 < given["STEP"] < 1 / targets["L"]


def test_solvers_of_problem_set_2_come_in_their_order():
    """What the library does not compute lies between numbers that it does."""
    given = setup_of("ps2_ista")
    targets = given["TARGETS"]
    values = [
        targets[name]
        for name in (
            "smallest objective",
            "objective after 100 steps with restarts",
            "objective after 100 steps of FISTA",
            "objective after 100 steps of ISTA",
            "objective at zero",
        )
    ]
    assert values == sorted(values)
    assert targets["gap at zero"] > targets["objective at zero"] - targets["smallest objective"]
    assert (
        targets["objective with lost pixels after 50 steps"]
        < targets["objective with lost pixels at zero"]
    )
    assert (
        targets["squared error of the lost pixels"]
        < targets["squared error of the mean image there"] / 2
    )
    # With a ridge of 0.1: rows of sqrt(0.1) below the atoms are the same problem for the library.
    few, D, penalties = given["samples"][:4], given["atoms"], given["PENALTIES"]
    below = math.sqrt(0.1) * torch.eye(D.shape[1], dtype=D.dtype)
    X = torch.cat([few, torch.zeros(4, D.shape[1], dtype=D.dtype)], dim=1)
    ridged = sparse.sparse_codes(X, torch.cat([D, below]) / penalties, 1.0, tol=1e-10)
    sweeps = [targets["first four after 5 sweeps"], targets["first four after 1 sweep"]]
    assert float(ridged.objective.mean()) < sweeps[0] < sweeps[1]
    assert sweeps[0] < targets["first four after 5 steps of ISTA"] < float((few**2).sum() / 8)


def test_traces_of_problem_set_2_with_equal_penalties_are_the_librarys():
    """The reference of questions 5 and 6, given the plain problem, against the library."""
    given = setup_of("ps2_ista")
    notebook = jupytext.read(SOLUTIONS / "ps2_ista" / "ps2_ista.md")
    for cell in notebook.cells:
        if cell.metadata["nbgrader"]["grade_id"] in ("q5_ista", "q7_point", "q7_gap"):
            exec(cell.source, given)
    X, D, step = (given[k] for k in ("samples", "atoms", "STEP"))
    equal = torch.full((D.shape[1],), 0.2, dtype=D.dtype)
    zero = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    steps = torch.full((len(X),), step, dtype=X.dtype)
    _, objectives = given["ista"](X, torch.ones_like(X), D, equal, steps, zero, 20)
    by_library = sparse.ista(X, D, 0.2, step=step, tol=0.0, max_iter=20, trace=True)
    assert objectives == pytest.approx(by_library.trace, abs=1e-9)
    # The library shrinks the residual less far where that bounds more; at zero both are the same.
    gap = given["duality_gap"](X, D, zero, equal)
    np.testing.assert_allclose(gap, sparse.duality_gap(X, D, zero, 0.2), atol=1e-9)


def test_targets_of_problem_set_3():
    given = setup_of("ps3_dictionary", "tools")
    targets, planted = given["TARGETS"], given["planted_data"]

    # Weights are data and atoms multiplied by their roots, for each sample by itself.
    generator = torch.Generator().manual_seed(1)
    X, D = planted(20, 8, 12, 3, 0.05, generator)
    W = 3 * torch.rand(20, 8, dtype=X.dtype, generator=generator)
    W[W < 0.5] = 0.0
    start = torch.ones(20, 12, dtype=X.dtype)
    found = [0.0] * 4
    for x, w, h in zip(X, W.sqrt(), start, strict=True):
        x, atoms = (w * x)[None], w[:, None] * D
        run = sparse.ista(x, atoms, 0.3, H0=h[None], tol=0.0, max_iter=100, trace=True)
        for k, steps in enumerate((0, 1, 10, 100)):
            found[k] += run.trace[steps] / 20
    assert found == pytest.approx(
        targets["weighted objective after 0, 1, 10 and 100 steps"], abs=2e-6
    )

    # The gradient and the second derivative of the weighted error, both by autograd.
    generator = torch.Generator().manual_seed(3)
    X, _ = planted(60, 8, 6, 2, 0.05, generator)
    D = torch.randn(8, 6, dtype=X.dtype, generator=generator)
    D = D / D.norm(dim=0)
    W = 2 * torch.rand(60, 8, dtype=X.dtype, generator=generator)
    H = sparse.sparse_codes(X, D, 0.2, tol=1e-10).H

    def error(D: torch.Tensor) -> torch.Tensor:
        return (W * (X - H @ D.T) ** 2).sum() / 120

    second = torch.autograd.functional.hessian(error, D).reshape(48, 48)
    step = 1 / torch.linalg.eigvalsh(second)[-1]
    values = [float(error(D))]
    for _ in range(20):
        leaf = D.clone().requires_grad_()
        D = D - step * torch.autograd.grad(error(leaf), leaf)[0]
        D = D / D.norm(dim=0)
        values.append(float(error(D)))
    name = "E before, after 1 and after 20 dictionary steps"
    assert [values[k] for k in (0, 1, 20)] == pytest.approx(targets[name], abs=2e-6)


def test_targets_of_alternation_and_denoising_in_problem_set_3():
    given = setup_of("ps3_dictionary", "tools")
    targets, planted = given["TARGETS"], given["planted_data"]

    def sweep(X: torch.Tensor, D: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
        D = D.clone()
        taken: list[int] = []
        for j in range(D.shape[1]):
            rest = X - H @ D.T
            if H[:, j].any():
                u = (rest + torch.outer(H[:, j], D[:, j])).T @ H[:, j]
            else:
                errors = rest.norm(dim=1)
                errors[taken] = -1.0
                taken.append(int(errors.argmax()))
                u = X[taken[-1]]
            D[:, j] = u / u.norm()
        return D

    X, _ = planted(60, 8, 7, 2, 0.05, torch.Generator().manual_seed(4))
    X[:, 7] = 0.0
    D = torch.randn(8, 8, dtype=X.dtype, generator=torch.Generator().manual_seed(5))
    D[7], D[:, 3] = 0.0, 0.0
    D[7, 3] = 1.0
    D = D / D.norm(dim=0)
    history = []
    for _ in range(6):
        H = sparse.sparse_codes(X, D, 0.2, tol=1e-10).H
        D = sweep(X, D, H)
        history.append(float(sparse.lasso_objective(X, D, H, 0.2).mean()))
    assert [history[k] for k in (0, 2, 5)] == pytest.approx(
        targets["F after 1, 3 and 6 rounds"], abs=2e-6
    )

    generator = torch.Generator().manual_seed(8)
    X, D_true = planted(60, 10, 5, 2, 0.03, generator)
    noise = torch.randn(10, 5, dtype=X.dtype, generator=generator)
    D = D_true[:, [3, 0, 4, 1, 2]] + 0.35 * noise
    D = D / D.norm(dim=0)
    for _ in range(8):
        D = sweep(X, D, sparse.sparse_codes(X, D, 0.2, tol=1e-10).H)
    value = float(sparse.sparse_codes(X, D, 0.2, tol=1e-10).objective.mean())
    assert value == pytest.approx(targets["F of the best run"], abs=2e-6)
    reached = float(match_atoms(D, D_true).similarity.min())
    assert reached == pytest.approx(targets["smallest cosine of the best run"], abs=1e-4)

    D = images.dct_dictionary(8, 9, dtype=torch.float64)
    torch.testing.assert_close(D, given["dct_dictionary"](8, 9))
    clean = given["china"][248:272, 350:374]
    generator = torch.Generator().manual_seed(7)
    noisy = clean + 0.1 * torch.randn(24, 24, dtype=clean.dtype, generator=generator)
    P, mean = images.remove_mean(images.all_patches(noisy, 8))
    rebuilt = sparse.sparse_codes(P, D, 0.2, tol=1e-8).H @ D.T + mean[:, None]
    # The noisy image as one more patch of each pixel.
    number = torch.nn.functional.fold(torch.ones_like(P).T[None], (24, 24), 8)[0, 0]
    image = (noisy + number * images.assemble(rebuilt, (24, 24), 8)) / (1 + number)
    psnr = images.psnr(image, clean)
    assert psnr == pytest.approx(targets["PSNR of the photograph"], abs=0.005)
    blurred = [gaussian_filter(noisy.numpy(), 0.02 * k) for k in range(30, 60)]
    best = max(images.psnr(torch.from_numpy(blur), clean) for blur in blurred)
    assert best == pytest.approx(targets["PSNR of the best Gaussian blur"], abs=0.005)


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
    Y = torch.tensor([[1.5, 0.5], [-0.6, 1.2], [0.4, 2.0]], dtype=X.dtype)
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
