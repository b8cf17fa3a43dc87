"""The numbers that problem set 4b prints are what the library computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.assignments.source import load_assignment
from replearn.autoencoders import dense_autoencoder
from replearn.geometry import jacobian, local_pca, reconstruction_field
from replearn.metrics import principal_angles, reconstruction_error, sparsity
from replearn.mixtures import GaussianMixture
from replearn.pca import PCA

ASSIGNMENT = load_assignment(Path(__file__).parents[2] / "solutions" / "ps4b_what_codes_learn")


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    """What the given cells and the reference answers define."""
    space: dict[str, Any] = {}
    for cell in ASSIGNMENT.cells:
        if cell.kind == "code" and cell.role in ("given", "solution"):
            exec(cell.source, space)
    return space


def printed(test: str) -> str:
    """The source of a test cell, in which the numbers stand."""
    (cell,) = [cell for cell in ASSIGNMENT.tests if cell.grade_id == test]
    return cell.source


def test_infomax_on_digits(given):
    pca = PCA(16).fit(given["digits"])
    n = len(given["digits"])
    variances = torch.as_tensor(pca.explained_variance_) * (n - 1) / n
    noise = torch.tensor([0.1] * 8 + [1.0] * 8, dtype=torch.float64)
    best = 0.5 * torch.log1p(variances / noise**2).sum()
    opposite = 0.5 * torch.log1p(variances.flip(0) / noise**2).sum()
    power = float(variances.sum())
    q = given["powers"](noise, power)
    centred = given["digits"] - given["digits"].mean(dim=0)
    C = centred.T @ centred / n
    generator = torch.Generator().manual_seed(0)
    random = torch.linalg.qr(torch.randn(64, 16, dtype=torch.float64, generator=generator)).Q.T
    text = printed("q1_orthonormal_visible") + printed("q1_powers_visible")
    for value in (
        best,
        opposite,
        given["information"](random, C, noise),
        power,
        0.5 * torch.log1p(q / noise**2).sum(),
    ):
        assert f"{float(value):.2f}" in text
    assert float(given["information"](given["best_orthonormal"](C, noise), C, noise)) == (
        pytest.approx(float(best), abs=1e-6)
    )
    assert bool((q[8:] == 0).all())


def test_linear_codes_of_held_out_digits(given):
    digits, held_out = given["digits"], given["held_out"]
    baseline = reconstruction_error(held_out, digits.mean(dim=0).expand_as(held_out))
    for k in (4, 8, 16):
        pca = PCA(k).fit(digits)
        codes = pca.transform(held_out)
        copies = pca.inverse_transform(codes)
        lost = 100 * reconstruction_error(held_out, copies) / baseline
        V = PCA(64).fit(digits).components_.T
        same, own, pooled = given["budget_errors"](held_out - digits.mean(dim=0), V, k)
        # The best units on average are not always the first ones, but nearly.
        assert lost - 0.2 < 100 * float(same) / baseline <= lost + 1e-9
        assert pooled <= own <= same
        sparse = codes * (codes.abs() > 0.5)
        answer = given["judge"](held_out, copies, sparse, digits.mean(dim=0))
        assert float(answer[0]) == pytest.approx(lost)
        assert float(answer[1]) == pytest.approx(100 * sparsity(sparse))
        if k == 8:
            assert f"{lost:.1f} per cent. With a bent one" in printed("q3_infer_visible")


def test_arrows(given):
    M = torch.tensor([[0.0, 0.0], [2.0, 1.0], [-1.0, 2.0]], dtype=torch.float64)
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    mixture = GaussianMixture(M, 0.0, weights)
    circle, arrows = given["CIRCLE"], given["ARROWS"]
    field = reconstruction_field(lambda Y: mixture.posterior_mean(Y, 0.8), circle)
    assert torch.allclose(arrows["the best denoiser"], field, atol=6e-5, rtol=0)
    model = dense_autoencoder([2, 3], activation="sigmoid", output="linear").double()
    with torch.no_grad():
        model.encoder[0].weight.copy_(torch.tensor([[1.0, 0.0], [1.0, -1.0], [0.0, 2.0]]))
        model.encoder[0].bias.copy_(torch.tensor([0.0, 0.5, -1.0]))
        model.decoder[0].weight.copy_(torch.tensor([[0.0, 1.0, 0.5], [1.0, 0.0, 2.0]]))
        model.decoder[0].bias.zero_()
    field = reconstruction_field(model, circle)
    assert torch.allclose(arrows["an untied network"], field, atol=6e-5, rtol=0)
    heights = 0.64 * mixture.log_density(circle, 0.8)
    assert f"{float(heights[8] - heights[0]):.4f}" in printed("q4_integral_visible")
    Y = circle[:5]
    J = jacobian(lambda Y: mixture.posterior_mean(Y, 0.8), Y)
    assert torch.allclose(given["denoiser_jacobian"](Y, M, weights, 0.8), J, atol=1e-9)
    s = given["asymmetry"](
        Y, model.encoder[0].weight, model.decoder[0].weight, model.encoder[0].bias
    )
    with torch.no_grad():
        J = jacobian(model, Y)
    right = (J - J.mT).square().sum((1, 2)) / (2 * J.square().sum((1, 2)))
    assert torch.allclose(s.detach(), right, atol=1e-9)


def test_potential_along_a_line(given):
    W, a, b, c = (
        torch.tensor(v, dtype=torch.float64)
        for v in ([[1, 0], [1, -1], [0, 2]], [1, 2, -0.5], [0, 0.5, -1], [0.3, -0.2])
    )
    ends = torch.tensor([[1, 2], [-1, 0.5]], dtype=torch.float64)
    path = ends[0] + torch.linspace(0, 1, 2001, dtype=torch.float64)[:, None] * (ends[1] - ends[0])
    V = (torch.sigmoid(path @ W.T + b) * a) @ W + c - path
    rise = float(given["line_integral"](path, V, False)[-1])
    assert f"{rise:.6f}" in printed("q4_potential_visible")


def test_tangents_are_local_pca_of_mirrored_neighbours(given):
    samples, ends = given["bent_curves"](1.0, 100.0, 0.02, 3, 0)
    for end in ends:
        mirrored = torch.cat([samples, 2 * end - samples])
        plane = local_pca(mirrored, end[None], 1, 32).bases
        found = given["tangents_through"](samples, end[None], 16, 1)
        assert torch.allclose(plane @ plane.mT, found @ found.mT, atol=1e-9)
    text = printed("q5_tangents_visible")
    for k in (8, 16, 24, 48, 96):
        error = float(given["slope_error"](k, 100.0, 1.0, 0.0, 0.02, 1)) ** 0.5
        assert f"({k}, {error:.3f})" in text
    # Through the mean: slope bias h / 2 and variance 12 s^2 / (k h^2).
    least = min((k / 200) ** 2 + 12 * 0.02**2 * 100**2 / k**3 for k in range(1, 100))
    assert f"{math.sqrt(least):.3f} at best" in text


def test_tied_direction_is_the_librarys_gradient(given):
    X = given["digits"][:40]
    model = dense_autoencoder([64, 9], activation="sigmoid", output="linear", tied=True).double()
    (0.5 * (model(X) - X).square().sum(1).mean()).backward()
    layer, offset = model.encoder[0], model.decoder.biases[0]
    found = given["tied_direction"](X, layer.weight.detach(), layer.bias.detach(), offset.detach())
    for part, parameter in zip(found, (layer.weight, layer.bias, offset), strict=True):
        assert torch.allclose(part, -parameter.grad, atol=1e-9)


def test_divergence_and_gradient_agree_where_the_error_is_small(given):
    def flat(parts):
        return torch.cat([part.flatten() for part in parts])

    generator = torch.Generator().manual_seed(1)
    W = 0.5 * torch.randn(4, 3, dtype=torch.float64, generator=generator)
    b = torch.tensor([0.1, -0.2, 0.0, 0.3], dtype=torch.float64)
    c = torch.tensor([0.2, 0.0, -0.1], dtype=torch.float64)
    x = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    for _ in range(500):
        x = torch.sigmoid(W @ x + b) @ W + c
    found = []
    for t in (1, 0.1, 0.01):
        X = (x + t * torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64))[None]
        one = flat(given["mean_field_cd"](X, W, b, c))
        other = flat(given["tied_direction"](X, W, b, c))
        found.append(100 * float((one - other).norm() / other.norm()))
    text = "differ by {:.1f}, {:.1f} and {:.2f} per cent".format(*found)
    assert text in printed("q6_tied_visible")


def test_filters_of_both_rules(given):
    X = given["digits"][:300] - given["digits"][:300].mean(dim=0)
    size, least = {}, 1.0
    for rule in ("mean_field_cd", "tied_direction"):
        generator = torch.Generator().manual_seed(0)
        W = 0.05 * torch.randn(30, 64, dtype=torch.float64, generator=generator)
        size["start"] = float(given["effective_pixels"](W).mean())
        b, c = torch.zeros(30, dtype=torch.float64), -0.5 * W.sum(dim=0)
        for step in range(301):
            if step % 50 == 0:
                one, other = (
                    torch.cat([part.flatten() for part in given[name](X, W, b, c)])
                    for name in ("mean_field_cd", "tied_direction")
                )
                least = min(least, float(one @ other / one.norm() / other.norm()))
            if step < 300:
                parts = given[rule](X, W, b, c)
                W, b, c = (p + 0.1 * q for p, q in zip((W, b, c), parts, strict=True))
        size[rule] = float(given["effective_pixels"](W).mean())
    text = printed("q6_filters_visible")
    assert f"from {size['start']:.1f} to {size['mean_field_cd']:.1f} effective" in text
    assert f"gradient to {size['tied_direction']:.1f}." in text
    assert least >= 0.98


def test_planes_of_an_encoder(given):
    rows = [[0.5, -1.0, 0.3, 0.8, -0.2], [-0.4, 0.2, 1.0, -0.6, 0.7]]
    X = torch.tensor(rows, dtype=torch.float64)
    right = torch.linalg.svd(jacobian(given["two_layers"], X)).Vh[:, :2].mT
    text = printed("q7_basis_visible")
    for share in right.square().sum(2).flatten().tolist():
        assert f"{share:.6f}".rstrip("0") in text
    found = given["tangent_basis"](given["two_layers"], X, 2)
    assert torch.allclose(found @ found.mT, right @ right.mT, atol=1e-9)
    angle = given["plane_angle"](found[:1], found[1:])
    assert float(angle) == pytest.approx(float(principal_angles(found[0], found[1]).max()))
