"""LISTA: ISTA before training, better than it afterwards."""

import copy

import pytest
import torch

from replearn.sparse import LISTA, ista, lasso_objective, lista_loss
from replearn.training import train


def problem(n=200, d=8, m=16, *, dtype=torch.float64):
    """Sparse combinations of unit atoms."""
    generator = torch.Generator().manual_seed(0)
    D = torch.randn(d, m, generator=generator, dtype=dtype)
    D /= D.norm(dim=0)
    H = torch.randn(n, m, generator=generator, dtype=dtype)
    H *= torch.rand(n, m, generator=generator) < 0.15
    return H @ D.T, D


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_untrained_it_is_ista(nonnegative, layers, dtype):
    X, D = problem(dtype=dtype)
    H = LISTA(D, 0.1, layers, nonnegative=nonnegative)(X)
    want = ista(X, D, 0.1, max_iter=layers, tol=0.0, nonnegative=nonnegative).H
    assert want.abs().max() > 0.1
    assert (H - want).abs().max() < 20 * torch.finfo(dtype).eps
    assert H.dtype == dtype


def test_training_lowers_the_loss_below_that_of_ista():
    X, D = problem(dtype=torch.float32)
    model = LISTA(D, 0.1, 3)
    before = lista_loss(model, X).item()
    assert before == pytest.approx(float(lasso_objective(X, D, model(X), 0.1).mean()), rel=1e-5)
    history = train(model, X, loss=lista_loss, epochs=10, lr=1e-2, batch_size=50, progress=False)
    after = lista_loss(model, X).item()
    assert after < 0.97 * before
    assert history.loss[-1] < history.loss[0]
    assert torch.equal(model.D, D)  # the dictionary is not trained
    assert lista_loss(copy.deepcopy(model), X).item() == after


def test_gradients_are_those_of_differences():
    X, D = problem(n=3, d=3, m=4)
    model = LISTA(D, 0.1, 2)
    parameters = list(model.parameters())
    assert [tuple(p.shape) for p in parameters] == [(4, 3)] * 2 + [(4, 4)] + [(4,)] * 2
    lista_loss(model, X).backward()
    for parameter in parameters:
        entry = (0,) * parameter.ndim
        got = float(parameter.grad[entry])
        with torch.no_grad():
            values = []
            for move in (1e-6, -2e-6):
                parameter[entry] += move
                values.append(float(lista_loss(model, X)))
            parameter[entry] += 1e-6
        assert got == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (torch.ones(3, 0), 0.1, 2),
            r"D: got shape \(3, 0\), want \(d, m\) with at least",
        ),
        ((torch.ones(3, 2), -0.1, 2), "penalty: got -0.1, want a number of at least 0"),
        ((torch.ones(3, 2), 0.1, 0), "n_layers: got 0, want at least 1"),
        ((torch.ones(3, 2), 0.1, 1.5), "n_layers: got 1.5, want an integer"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        LISTA(*arguments)
    with pytest.raises(ValueError, match=r"X: got shape \(2, 4\), want \(n, 3\)"):
        LISTA(torch.ones(3, 2), 0.1, 2)(torch.ones(2, 4))


def test_a_dictionary_of_zeros_has_codes_of_zeros():
    assert not LISTA(torch.zeros(3, 2), 0.0, 2)(torch.ones(5, 3)).any()
