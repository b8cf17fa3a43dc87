"""Deep factorisation: linear it is PCA, with a penalty sparse coding; codes of new samples."""

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.autoencoders import DeepFactorisation, factorisation_loss
from replearn.pca import PCA
from replearn.sparse import lasso_objective, sparse_codes
from replearn.training import train
from tests.replearn.autoencoders.test_losses import assert_gradients_are_differences

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fit(model, X, epochs, *, lr=1e-2, batch_size=64):
    y = torch.arange(len(X), device=X.device)
    settings = {"epochs": epochs, "lr": lr, "batch_size": batch_size, "progress": False}
    return train(model, X, y=y, loss=factorisation_loss, **settings)


def test_the_loss_is_its_definition_for_the_samples_of_the_batch():
    model = DeepFactorisation(5, [2, 4, 3], penalty=0.5, activation="tanh").double()
    X, index = normal(2, 3), torch.tensor([4, 1])
    first, last = model.decoder
    rows = []
    for x, i in zip(X, index, strict=True):
        h = model.H[i]
        W1, W2 = (layer.weight / layer.weight.norm(dim=0) for layer in (first, last))
        x_hat = W2 @ torch.tanh(W1 @ h + first.bias) + last.bias
        rows.append((x - x_hat).square().sum() + 0.5 * h.abs().sum())
    torch.testing.assert_close(factorisation_loss(model, X, index), torch.stack(rows).mean())
    torch.testing.assert_close(model(index), model.decode(model.H[index]))


@pytest.mark.parametrize("penalty", [0.0, 0.3])
@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus", "sigmoid"])
@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_gradients_are_those_of_differences(penalty, activation, output):
    model = DeepFactorisation(
        4, [2, 3, 5], penalty=penalty, activation=activation, output=output
    ).double()
    X, index = normal(3, 5), torch.tensor([0, 3, 1])
    assert_gradients_are_differences(model, lambda: factorisation_loss(model, X, index))
    assert torch.equal(model.H.grad[2], torch.zeros(2, dtype=torch.float64))  # not in the batch
    assert (model.H.grad[[0, 1, 3]] != 0).all()


def test_a_linear_factorisation_reaches_the_error_of_pca_and_its_subspace():
    X = normal(120, 6) * torch.tensor([3.0, 2.0, 1.0, 0.3, 0.2, 0.1]) + 1
    pca = PCA(2).fit(X)
    best = float((X - pca.inverse_transform(pca.transform(X))).square().sum(1).mean())
    model = DeepFactorisation(120, [2, 6]).double()
    fit(model, X, 800, lr=3e-2, batch_size=None)
    with torch.no_grad():
        reached = float(factorisation_loss(model, X, torch.arange(120)))
        ours = torch.linalg.qr(model.decoder[0].weight).Q
    theirs = torch.linalg.qr(X - X.mean(0)).R.svd().V[:, :2]
    assert (1 - 1e-9) * best < reached < 1.001 * best  # none is better, but for rounding
    assert float(torch.linalg.svdvals(ours.T @ theirs).min()) > 0.999
    # Codes of new samples are projections: as good as PCA's.
    new = normal(30, 6, seed=1) + 1
    with torch.no_grad():
        B, c = model.decoder[0].weight, model.decoder[0].bias
        least = torch.linalg.lstsq(B, (new - c).T).solution.T
    torch.testing.assert_close(model.infer(new), least, rtol=1e-5, atol=1e-5)


def test_with_one_linear_layer_and_a_penalty_inference_is_sparse_coding():
    model = DeepFactorisation(50, [8, 5], penalty=0.6).double()
    with torch.no_grad():
        model.decoder[0].bias.copy_(normal(5, seed=7))
        model.decoder[0].weight *= 3  # lengths of columns play no role
        D = model.decoder[0].weight / model.decoder[0].weight.norm(dim=0)
        X = normal(20, 5, seed=2)
        centred = X - model.decoder[0].bias
    want = sparse_codes(centred, D, 0.3, tol=1e-11).H
    got = model.infer(X, 500)
    best = lasso_objective(centred, D, want, 0.3)
    torch.testing.assert_close(lasso_objective(centred, D, got, 0.3), best, rtol=1e-6, atol=0)
    torch.testing.assert_close(model.cost(X, got).detach(), 2 * best, rtol=1e-6, atol=0)
    assert float((got == 0).double().mean()) > 0.3  # exact zeros


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([[2, 6], [3, 5, 6], [2, 4, 4, 6]]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from(["relu", "tanh"]),
    st.sampled_from(["linear", "sigmoid"]),
    st.integers(0, 99),
)
def test_more_steps_of_inference_never_cost_more(sizes, penalty, activation, output, seed):
    model = DeepFactorisation(
        9, sizes, penalty=penalty, activation=activation, output=output, seed=seed
    ).double()
    X = normal(4, 6, seed=seed)
    with torch.no_grad():
        start = torch.cat([model.cost(X, model.H[i].expand(4, -1))[:, None] for i in range(9)], 1)
        costs = [start.amin(1)] + [model.cost(X, model.infer(X, k)) for k in (1, 2, 5, 20)]
    for before, after in pairwise(costs):
        assert (after <= before + 1e-12).all()


def test_inference_ends_where_the_gradient_is_0():
    model = DeepFactorisation(30, [2, 8, 6], activation="tanh").double()
    X = normal(30, 6)
    fit(model, X, 100)
    H = model.infer(X, 2000).requires_grad_()
    (gradient,) = torch.autograd.grad(model.cost(X, H).sum(), H)
    assert gradient.abs().max() < 1e-5


def test_inference_starts_from_the_training_code_that_fits_best():
    model = DeepFactorisation(40, [2, 16, 6], seed=3).double()
    with torch.no_grad():
        model.H.copy_(2 * normal(40, 2))
        X = model.decode(model.H)
    torch.testing.assert_close(model.infer(X, 1), model.H.detach())


def test_many_samples_are_inferred_as_few_are(monkeypatch):
    model, X = DeepFactorisation(9, [2, 5, 4]).double(), normal(11, 4)
    whole = model.infer(X, 10)
    monkeypatch.setattr("replearn.autoencoders.factorisation._ROWS", 4)
    torch.testing.assert_close(model.infer(X, 10), whole)


def test_training_codes_go_down_and_the_seed_decides():
    X = torch.rand(100, 20, generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    a, b, c = (DeepFactorisation(100, [3, 16, 20], seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a.H, b.H)
    assert not torch.equal(a.H, c.H)
    history = fit(a, X, 60)
    variance = float((X - X.mean(0)).square().sum(1).mean())
    assert history.loss[-1] < 0.9 * variance


def test_unit_columns_hold_the_scale_under_a_penalty():
    """With free columns codes would shrink and the penalty go to 0; the decoder's would grow."""
    X = normal(60, 6).float()
    model = DeepFactorisation(60, [8, 8, 6], penalty=0.5)
    fit(model, X, 100)
    with torch.no_grad():
        for layer in model.decoder:
            layer.weight *= 5
    index = torch.arange(60)
    scaled = factorisation_loss(model, X, index)
    with torch.no_grad():
        for layer in model.decoder:
            layer.weight /= 5
    torch.testing.assert_close(factorisation_loss(model, X, index), scaled)
    assert float(model.H.detach().abs().sum(1).mean()) > 0.1


@needs_gpu
def test_a_gpu_computes_the_same():
    model = DeepFactorisation(9, [2, 5, 4], penalty=0.1, activation="tanh").double()
    X = normal(9, 4)
    there = copy.deepcopy(model).cuda()
    torch.testing.assert_close(there.infer(X.cuda(), 20).cpu(), model.infer(X, 20))
    fit(there, X.cuda(), 3)
    fit(model, X, 3, batch_size=64)
    torch.testing.assert_close(there.H.cpu(), model.H)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DeepFactorisation(0, [2, 3]), "n: got 0, want at least 1"),
        (lambda: DeepFactorisation(1.5, [2, 3]), "n: got 1.5, want an integer"),
        (lambda: DeepFactorisation(4, [3]), r"sizes: got \[3\], want at least two widths"),
        (lambda: DeepFactorisation(4, [0, 3]), "d: got 0, want at least 1"),
        (lambda: DeepFactorisation(4, [2, 3], penalty=-1), "penalty: got -1, want a number of"),
        (lambda: DeepFactorisation(4, [2, 3], activation="x"), "activation: got 'x', want one of"),
        (lambda: DeepFactorisation(4, [2, 3], output="x"), "output: got 'x', want one of"),
        (lambda: DeepFactorisation(4, [2, 3], seed=None), "seed: got None, want an integer"),
        (
            lambda: DeepFactorisation(4, [2, 3]).infer(torch.ones(2, 4)),
            r"X: got shape \(2, 4\), want \(n, 3\)",
        ),
        (
            lambda: DeepFactorisation(4, [2, 3]).infer(torch.ones(2, 3), steps=0),
            "steps: got 0, want at least 1",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
