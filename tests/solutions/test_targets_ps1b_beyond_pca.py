"""The numbers that problem set 1b prints, against the library where it has the function."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch
from torch import nn

from replearn.linear_autoencoder import LinearAutoencoder
from replearn.logistic import LogisticPCA
from replearn.metrics import reconstruction_error
from replearn.pca import PCA

NAME = "ps1b_beyond_pca"
SOURCE = Path(__file__).parents[2] / "solutions" / NAME / f"{NAME}.md"


@pytest.fixture(scope="module")
def space() -> dict[str, Any]:
    """What the given cells and the reference define."""
    found: dict[str, Any] = {}
    for cell in jupytext.read(SOURCE).cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and not about.get("grade", False):
            exec(cell.source, found)
    return found


def printed(test: str, pattern: str) -> list[float]:
    """The numbers that a pattern finds in a test cell."""
    (cell,) = [c for c in jupytext.read(SOURCE).cells if c.metadata["nbgrader"]["grade_id"] == test]
    (found,) = re.findall(pattern, cell.source)
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", found)]


def test_a_decay_is_given_up_at_twice_the_librarys_variances(space):
    pca = PCA(svd_solver="covariance_eigh").fit(space["digits"])
    n = len(space["digits"])
    variances = pca.explained_variance_ * (n - 1) / n
    (numbers,) = [printed("q2_decay_visible", r"in \[(\(0, .*\), \(30, .*\))\]:")]
    assert numbers == [
        pytest.approx(value, abs=1e-6)
        for k in (0, 10, 30)
        for value in (k, 2 * float(variances[k]))
    ]


def test_a_tied_autoencoder_of_the_library_has_the_sum_of_the_parts_as_its_gradient(space):
    X = space["digits"][:50] - space["digits"][:50].mean(dim=0)
    model = LinearAutoencoder(64, 5, tied=True, bias=False, seed=3).double()
    ((model(X) - X) ** 2).sum(dim=1).mean().backward()
    parts = space["tied_parts"](X, model.W.detach(), torch.ones(64, dtype=torch.float64))
    torch.testing.assert_close(parts[0] + parts[1], model.W.grad)


def test_a_tied_minimum_without_a_price_is_pca(space):
    X = space["digits"]
    W = space["tied_minimum"](X, 10, 0.0)
    components = PCA(10, svd_solver="covariance_eigh").fit(X).components_
    torch.testing.assert_close(W.T @ W, components.T @ components, rtol=0, atol=1e-8)


def test_no_descent_from_a_tied_minimum_lowers_the_error(space):
    X, decay = space["digits"], 0.1
    C = torch.cov(X.T, correction=0)
    W = space["tied_minimum"](X, 20, decay).requires_grad_()

    def error(V):
        R = torch.eye(64, dtype=torch.float64) - V.T @ V
        return (R @ C @ R).trace() + decay * (V**2).sum()

    (gradient,) = torch.autograd.grad(error(W), W)
    assert float(gradient.abs().max()) < 1e-9
    generator = torch.Generator().manual_seed(0)
    V = (0.1 * torch.randn(20, 64, dtype=torch.float64, generator=generator)).requires_grad_()
    optimizer = torch.optim.LBFGS([V], max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = error(V)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert float(error(V.detach())) == pytest.approx(float(error(W.detach())), rel=1e-6)


def test_logistic_pca_ends_where_the_librarys_does(space):
    X = 0.05 + 0.9 * space["digits"][:40]
    _, losses = space["fit_logits"](X, torch.ones_like(X), 2, 200)
    model = LogisticPCA(2, tol=1e-9, max_iter=3000).fit(X)
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(losses))
    assert losses[-1] == pytest.approx(model.objective_[-1], rel=1e-4)


def test_codes_on_the_librarys_spiral(space):
    X, t = space["spiral"](300, turns=2, noise=0.0, seed=1, dtype=torch.float64)
    length = space["arc_length"](t, 2.0)
    torch.testing.assert_close(space["encode"](X, 2.0), length, rtol=0, atol=1e-7)
    torch.testing.assert_close(space["decode"](length, 2.0), X, rtol=0, atol=1e-9)


def test_a_collapsed_network_is_the_network(space):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2), nn.Linear(2, 6)).double()
    P, e, size = space["collapse"]([(layer.weight, layer.bias) for layer in network])
    X = torch.randn(5, 6, dtype=torch.float64)
    torch.testing.assert_close(X @ P.T + e, network(X))
    assert size == 2


def test_the_control_is_pca_and_the_targets_are_what_comparing_gives(space):
    digits = space["digits"]
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(16))
    parts = [digits[order[a:b]] for a, b in ((0, 300), (300, 500), (500, 700))]
    widths, seeds = [10, 40, 80, 240], [5, 2]
    width, errors = space["compare"](space["train_network"], *parts, 4, widths, seeds)
    (right,) = [printed("q6_compare_visible", r"right = (\[\[.*\]\])")]
    assert errors.flatten().tolist() == [pytest.approx(value, abs=1e-6) for value in right]
    pca = PCA(4, svd_solver="covariance_eigh").fit(parts[0])
    library = reconstruction_error(parts[2], pca.inverse_transform(pca.transform(parts[2])))
    assert errors[:, 2].tolist() == [pytest.approx(library, rel=1e-9)] * 2
    assert errors[:, 1].tolist() == [pytest.approx(library, rel=1e-3)] * 2

    def error(width, X):
        made = [space["train_network"](parts[0], 4, width, "tanh", seed) for seed in seeds]
        return sum(reconstruction_error(X, reconstruct(X)) for reconstruct in made) / len(made)

    assert width == 40 == min(widths, key=lambda w: error(w, parts[1]))
    assert min(widths, key=lambda w: error(w, parts[0])) == 240
    for label, X in (("training", parts[0]), ("test", parts[2])):
        (shown,) = [printed("q6_compare_visible", rf"on (?:its|the) {label} data +(\[.*\])")]
        assert shown == [pytest.approx(error(w, X), abs=0.006) for w in widths]
