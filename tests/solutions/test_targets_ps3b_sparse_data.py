"""The target values that problem set 3b prints are what the library computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch

from replearn import sparse
from replearn.autoencoders import PredictiveSparse
from replearn.dictionary import fit_gabor, mutual_coherence
from replearn.images import dct_dictionary

SOURCE = Path(__file__).parents[2] / "solutions" / "ps3b_sparse_data" / "ps3b_sparse_data.md"


def flat(rows: list[list[float]]) -> list[float]:
    """The numbers of all rows, one after the other."""
    return [number for row in rows for number in row]


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    """What the given cells of the notebook define."""
    space: dict[str, Any] = {}
    for cell in jupytext.read(SOURCE).cells:
        about = cell.metadata["nbgrader"]
        if cell.cell_type == "code" and not about["grade"] and not about["solution"]:
            exec(cell.source, space)
    return space


def test_what_the_coherence_guarantees(given):
    index = torch.arange(24, dtype=torch.float64)
    D = given["atoms_with_products"](0.15 ** (index[:, None] - index).abs())
    size = (1 + 1 / mutual_coherence(D)) / 2
    assert 3 < size < 4  # the notebook says 3; the sums allow any number
    four = torch.tensor([[1.0, 3, 0, -1], [0, 4, 2, 0], [0, 0, 0, 1]], dtype=torch.float64)
    assert mutual_coherence(four) == pytest.approx(0.8)  # mu(1) of question 1


def test_shares_of_codes_found_from_few_measurements(given):
    generator = torch.Generator().manual_seed(32)
    Z = given["planted_codes"](20, 32, 3, generator)
    rates = []
    for k in (10, 14, 20):
        mixtures = torch.randn(k, 32, dtype=torch.float64, generator=generator) / k**0.5
        moments = torch.eye(32).double()[torch.randperm(32, generator=generator)[:k]]
        for D in (given["cosines"](32), torch.eye(32).double()):
            for A in (mixtures, moments):
                E = A @ D
                seen = E.abs().amax(dim=0) > 0
                H = torch.zeros_like(Z)
                H[:, seen] = sparse.sparse_codes(Z @ E.T, E[:, seen], 0.2, tol=1e-9).H
                on = Z != 0
                least = torch.where(on, H * Z.sign(), math.inf).amin(dim=1)
                most = torch.where(on, 0.0, H.abs()).amax(dim=1)
                rates.append(float((least > most).double().mean()))
    assert rates == pytest.approx(flat(given["TARGETS"]["rates"]))


def test_cells_are_measured_as_the_fit_finds_them(given):
    fits, targets = fit_gabor(given["cells"], 24), given["TARGETS"]
    places = torch.stack([fits.x0, fits.y0, fits.sigma_x, fits.sigma_y], dim=1)
    # Moments are no fit: they agree where the cell lies well inside of the patch.
    assert places.flatten().tolist() == pytest.approx(flat(targets["places"]), abs=0.01)
    double = 2 * torch.deg2rad(torch.tensor(targets["orientations"]).double()) - 2 * fits.theta
    assert double.sin().abs().max() < 1e-3
    assert double.cos().min() > 0.99
    assert fits.bandwidth.tolist() == pytest.approx(targets["octaves"], abs=2e-3)
    board = dct_dictionary(24, 24, dtype=torch.float64)[:, 9 * 24 + 9]
    ours = (given["cosines"](24)[:, 9][:, None] * given["cosines"](24)[:, 9]).reshape(-1)
    assert torch.allclose(board.abs(), ours.abs(), atol=1e-9)


def test_missing_pixels_are_filled_by_codes_of_what_is_known(given):
    D, whole, targets = given["strokes"], given["whole"], given["TARGETS"]
    assert sparse.lipschitz(D) == pytest.approx(targets["L"], abs=1e-4)
    constants = [sparse.lipschitz(D * mask[:, None]) for mask in given["scattered"]]
    assert sum(constants) / len(constants) == pytest.approx(targets["masked L"], abs=1e-4)
    for name, masks in (("scattered", given["scattered"]), ("three rows", given["band"])):
        for steps, target in zip((1, 50), targets[name][1:], strict=True):
            total = 0.0
            for x, mask in zip(whole, masks, strict=True):
                A, mean = D * mask[:, None], (x * mask).sum() / mask.sum()
                y, penalty = ((x - mean) * mask)[None], 0.3 * float(mask.mean())
                options = {"step": 1 / sparse.lipschitz(A), "tol": 0.0, "max_iter": steps}
                h = sparse.ista(y, A, penalty, **options).H[0]
                total += float((((D @ h + mean - x) * (1 - mask)) ** 2).sum())
            assert math.sqrt(total / float((1 - masks).sum())) == pytest.approx(target, abs=1e-5)


def test_codes_of_ambiguous_words(given):
    H = sparse.sparse_codes(
        given["words"][:2], given["topics"], 0.05, nonnegative=True, tol=1e-12
    ).H
    targets = given["TARGETS"]["codes of tie and spring"]
    assert H.flatten().tolist() == pytest.approx(flat(targets), abs=1e-4)


def test_predictive_codes_and_the_encoders_gradients(given):
    X, D, targets = given["psd_samples"], given["psd_atoms"], given["TARGETS"]
    pull, start = given["psd_pull"], given["psd_prediction"]
    # A pull is one more row of the dictionary for each unit.
    A = torch.cat([D, torch.diag(pull.sqrt())])
    Y = torch.cat([X, start * pull.sqrt()], dim=1)
    energies = [float(sparse.lasso_objective(Y, A, start, 0.3).mean())]
    for steps in (1, 5, 50):
        H = sparse.ista(Y, A, 0.3, H0=start, tol=0.0, max_iter=steps).H
        energies.append(float(sparse.lasso_objective(Y, A, H, 0.3).mean()))
    assert energies == pytest.approx(targets["energies"], abs=1e-6)

    model = PredictiveSparse(8, 12, penalty=0.3, pull=1.0).double()
    for parameter, value in zip(
        (model.encoder.layer.weight, model.encoder.layer.bias, model.encoder.gain),
        given["psd_encoder"],
        strict=True,
    ):
        parameter.data.copy_(value)
    assert torch.allclose(model.encode(X), start)
    Z = sparse.sparse_codes(X, D, 0.3, tol=1e-12).H
    (0.5 * (pull * (Z - model.encode(X)) ** 2).sum(dim=1).mean()).backward()
    layer = model.encoder.layer
    found = [layer.weight.grad[0, :4], layer.bias.grad[:4], model.encoder.gain.grad[:4]]
    for part, target in zip(found, targets["gradients"], strict=True):
        assert part.tolist() == pytest.approx(target, abs=2e-6)


@pytest.mark.parametrize(("pull", "target"), [(0.1, 236), (1.0, 27), (10.0, 6)])
def test_steps_to_a_thousandth(given, pull, target):
    L = sparse.lipschitz(given["psd_atoms"])
    assert math.ceil(math.log(1e-3) / math.log(L / (L + pull))) == target
