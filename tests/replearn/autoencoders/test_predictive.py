"""Predictive sparse decomposition: its inference against other solvers, its gradients, its gain."""

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.autoencoders import PredictiveSparse, predictive_loss
from replearn.autoencoders.predictive import UnitDictionary
from replearn.sparse import lasso_objective, sparse_codes
from replearn.training import train
from tests.replearn.autoencoders.test_losses import assert_gradients_are_differences

no_deadline = settings(deadline=None)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(penalty=0.2, pull=1.0, *, d=5, m=7, n=6, seed=0, **options):
    model = PredictiveSparse(d, m, penalty, pull, seed=seed, **options).double()
    return model, normal(n, d, seed=seed)


def sparse_data(n=400, d=8, m=12):
    """Sparse combinations of unit atoms."""
    D = torch.nn.functional.normalize(normal(d, m, seed=1), dim=0)
    generator = torch.Generator().manual_seed(2)
    H = normal(n, m, seed=3) * (torch.rand(n, m, generator=generator) < 0.15)
    return (H @ D.T).float()


def test_the_energy_is_its_definition():
    model, X = problem(0.3, 2.0)
    Z = normal(6, 7, seed=4)
    layer = model.encoder.layer
    prediction = model.encoder.gain * torch.tanh(X @ layer.weight.T + layer.bias)
    torch.testing.assert_close(model.encode(X), prediction, rtol=1e-12, atol=1e-14)
    for x, z, f, value in zip(X, Z, prediction, model.energy(X, Z), strict=True):
        want = (
            0.5 * (x - model.D @ z).square().sum()
            + 0.3 * z.abs().sum()
            + 1.0 * (z - f).square().sum()
        )
        torch.testing.assert_close(value, want)


@no_deadline
@given(
    st.floats(0, 2),
    st.floats(0, 3),
    st.sampled_from(["linear", "sigmoid", "tanh", "relu", "softplus"]),
    st.integers(0, 99),
)
def test_no_step_of_the_inference_raises_the_energy(penalty, pull, activation, seed):
    model, X = problem(penalty, pull, activation=activation, seed=seed)
    with torch.no_grad():
        energies = [model.energy(X, model.encode(X))]
        energies += [model.energy(X, model.infer(X, steps)) for steps in range(1, 12)]
    for before, after in pairwise(energies):
        assert (after <= before + 1e-12).all()


@pytest.mark.parametrize("pull", [0.25, 1.0])
def test_the_inference_ends_at_the_minimum(pull):
    model, X = problem(0.2, pull)
    Z = model.infer(X, 2000)
    # Completed squares: the codes are sparse codes of [x, sqrt(pull) f] in [D; sqrt(pull) I].
    with torch.no_grad():
        X2 = torch.cat([X, pull**0.5 * model.encode(X)], 1)
        D2 = torch.cat([model.D, pull**0.5 * torch.eye(7, dtype=torch.float64)])
    want = sparse_codes(X2, D2, 0.2, tol=1e-12).H
    assert 0.05 < float((want == 0).double().mean()) < 0.95
    torch.testing.assert_close(Z, want, rtol=0, atol=1e-5)
    assert torch.equal(Z == 0, want == 0)


def test_the_distance_shrinks_as_the_text_says():
    model, X = problem(0.2, 1.0)
    least = model.infer(X, 3000)
    with torch.no_grad():
        L = float(torch.linalg.matrix_norm(model.D, 2)) ** 2
        distances = [(model.encode(X) - least).norm(dim=1)]
    distances += [(model.infer(X, steps) - least).norm(dim=1) for steps in range(1, 9)]
    for before, after in pairwise(distances):
        assert (after <= before * L / (L + 1) + 1e-10).all()


def test_without_pull_codes_are_sparse_codes():
    model, X = problem(0.3, 0.0)
    with torch.no_grad():
        D = model.D
        reached = lasso_objective(X, D, model.infer(X, 5000), 0.3)
    best = lasso_objective(X, D, sparse_codes(X, D, 0.3, tol=1e-10).H, 0.3)
    torch.testing.assert_close(reached, best, rtol=1e-6, atol=0)


def test_atoms_keep_length_1_whatever_the_optimiser_does():
    model, _ = problem()
    X = sparse_data(d=5).double()
    train(model, X, loss=predictive_loss, epochs=2, lr=0.3, progress=False)
    torch.testing.assert_close(model.D.norm(dim=0), torch.ones(7, dtype=torch.float64))
    assert (model.decoder.weight.norm(dim=0) - 1).abs().max() > 0.01  # it is not the parameter's
    dictionary = UnitDictionary(3, 2)
    with torch.no_grad():
        dictionary.weight[:, 0] = 0
    assert torch.equal(dictionary.D[:, 0], torch.zeros(3))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "linear", "relu"])
def test_gradients_with_z_fixed_are_those_of_differences(activation):
    model, X = problem(0.2, 1.5, activation=activation)
    Z = model.infer(X)
    predictive_loss(model, X).backward()
    with_z_inferred = {name: p.grad.clone() for name, p in model.named_parameters()}
    assert set(with_z_inferred) == {
        "encoder.layer.weight",
        "encoder.layer.bias",
        "encoder.gain",
        "decoder.weight",
    }
    assert_gradients_are_differences(model, lambda: model.energy(X, Z).mean())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, with_z_inferred[name])


def test_at_the_minimum_over_z_it_is_the_gradient_of_the_minimum():
    model, X = problem(0.2, 1.0, steps=500, n=2, m=4)
    # Differences move z as well here; it makes none.
    assert_gradients_are_differences(
        model, lambda: predictive_loss(model, X), step=1e-5, tolerance=1e-6
    )


def test_training_teaches_the_encoder_to_predict():
    X = sparse_data()
    model = PredictiveSparse(8, 12, 0.1)
    untrained = copy.deepcopy(model)
    history = train(model, X, loss=predictive_loss, epochs=60, lr=1e-2, progress=False)
    assert history.loss[-1] < 0.5 * history.loss[0]

    def gap(net):
        """Of the prediction to the sparse code, as a share of the code."""
        with torch.no_grad():
            Z = net.infer(X, 200)
            return float((net.encode(X) - Z).square().sum() / Z.square().sum())

    assert gap(model) < 0.5 * gap(untrained)
    before = torch.get_rng_state()
    PredictiveSparse(8, 12, 0.1, seed=5)
    assert torch.equal(torch.get_rng_state(), before)


@needs_gpu
def test_a_gpu_computes_the_same():
    model, X = problem()
    there = copy.deepcopy(model).cuda()
    torch.testing.assert_close(there.infer(X.cuda()).cpu(), model.infer(X))
    torch.testing.assert_close(predictive_loss(there, X.cuda()).cpu(), predictive_loss(model, X))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PredictiveSparse(5, 3, -1.0), "penalty: got -1.0, want a number of at least 0"),
        (lambda: PredictiveSparse(5, 3, 1.0, -1.0), "pull: got -1.0, want a number of at least 0"),
        (lambda: PredictiveSparse(0, 3, 1.0), "d: got 0, want at least 1"),
        (lambda: PredictiveSparse(5, 0, 1.0), "m: got 0, want at least 1"),
        (lambda: PredictiveSparse(5, 3, 1.0, steps=0), "steps: got 0, want at least 1"),
        (lambda: PredictiveSparse(5, 3, 1.0, activation="x"), "activation: got 'x', want one of"),
        (lambda: PredictiveSparse(5, 3, 1.0, seed="x"), "seed: got 'x', want an integer"),
        (lambda: problem()[0].infer(normal(2, 4)), r"X: got shape \(2, 4\), want \(n, 5\)"),
        (lambda: problem()[0].infer(normal(2, 5), 1.5), "steps: got 1.5, want an integer"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
