"""Training that is killed at any step and resumed ends with the weights of a run that was not."""

import pytest
import torch

from replearn.autoencoders import (
    DeepFactorisation,
    Gaussian,
    Masking,
    PredictiveSparse,
    cross_entropy,
    dense_autoencoder,
    factorisation_loss,
    hutchinson,
    kl_to_rate,
    objective,
    predictive_loss,
)
from replearn.pretraining import RBM, contrastive_divergence, greedy
from replearn.training import train

N, D, BATCH, EPOCHS = 20, 6, 7, 4  # three steps an epoch, the last batch smaller
STEPS = 3 * EPOCHS
# Each step of the first two epochs, and the first and last of the others.
KILLED_AT = [1, 2, 3, 4, 5, 6, 7, 10, STEPS]
# Another loss than that of the run that is resumed: a key tells which run it is.
KILLED_IN_THE_LOSS = {"progress": False, "key": "a run"}


class Killed(BaseException):
    """No Exception: nothing that handles errors may see it, as with a signal."""


def killed_at(step, loss):
    """The loss, but the process ends at its call of this number."""
    left = [step]

    def call(*arguments):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return loss(*arguments)

    return call


def data():
    return torch.rand(N, D, generator=torch.Generator().manual_seed(0))


def states(models):
    return [value.clone() for model in models for value in model.state_dict().values()]


def assert_equal(these, those):
    assert len(these) == len(those) > 0
    assert all(torch.equal(a, b) for a, b in zip(these, those, strict=True))


def contractive_denoising(seed):
    return dense_autoencoder([D, 5, 3], activation="tanh", seed=seed)


MODELS = {
    "corruption and hutchinson": (
        contractive_denoising,
        objective(cross_entropy, corruption=Masking(0.3), penalties={hutchinson(2): 0.1}),
    ),
    "k-sparse, tied, noise": (
        lambda seed: dense_autoencoder([D, 5], activation="sigmoid", k=3, tied=True, seed=seed),
        objective(corruption=Gaussian(0.2), penalties={kl_to_rate(0.2): 0.1}),
    ),
    "rbm": (lambda seed: RBM(D, 4, seed=seed), contrastive_divergence(2)),
    "real rbm": (
        lambda seed: RBM(D, 4, visible="gaussian", hidden="binary", seed=seed),
        contrastive_divergence(1),
    ),
    "predictive": (lambda seed: PredictiveSparse(D, 8, 0.1, seed=seed), predictive_loss),
}


@pytest.mark.parametrize("step", KILLED_AT)
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_resumes_exactly(tmp_path, kind, step):
    build, loss = MODELS[kind]
    settings = {
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "lr": 0.05,
        "seed": 3,
        "progress": False,
        "key": "a run",
    }
    whole, part, again = build(0), build(0), build(1)  # another process, another start
    reference = train(whole, data(), loss=loss, **settings)
    path = tmp_path / "run.pt"
    with pytest.raises(Killed):
        train(part, data(), loss=killed_at(step, loss), checkpoint=path, **settings)
    history = train(again, data(), loss=loss, checkpoint=path, **settings)
    assert_equal(states([again]), states([whole]))
    assert history.loss == reference.loss
    assert history.steps == reference.steps == STEPS


@pytest.mark.parametrize("penalty", [0.0, 0.2])
@pytest.mark.parametrize("step", KILLED_AT)
def test_free_codes_resume_exactly(tmp_path, penalty, step):
    def build(seed):
        return DeepFactorisation(N, [2, 5, D], penalty=penalty, seed=seed)

    settings = {
        "y": torch.arange(N),
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "lr": 0.05,
        **KILLED_IN_THE_LOSS,
    }
    whole, part, again = build(0), build(0), build(1)
    train(whole, data(), loss=factorisation_loss, **settings)
    path = tmp_path / "run.pt"
    broken = killed_at(step, factorisation_loss)
    with pytest.raises(Killed):
        train(part, data(), loss=broken, checkpoint=path, **settings)
    train(again, data(), loss=factorisation_loss, checkpoint=path, **settings)
    assert_equal(states([again]), states([whole]))


# Across the two layers: the first three of each, the end of the first, the end.
@pytest.mark.parametrize("step", [1, 2, 4, STEPS, STEPS + 1, STEPS + 2, STEPS + 5, 2 * STEPS])
@pytest.mark.parametrize("kind", ["autoencoders", "rbms"])
@pytest.mark.parametrize("anew", [True, False])
def test_greedy_layers_resume_exactly(tmp_path, kind, step, anew):
    if kind == "rbms":
        loss = contrastive_divergence(1)

        def build(seed):
            return [RBM(D, 5, seed=seed), RBM(5, 3, hidden="gaussian", seed=seed + 1)]
    else:
        loss = objective(corruption=Masking(0.3), penalties={hutchinson(1): 0.1})

        def build(seed):
            return [
                dense_autoencoder([D, 5], activation="sigmoid", seed=seed),
                dense_autoencoder([5, 3], activation="tanh", output="linear", seed=seed + 1),
            ]

    settings = {
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "lr": 0.05,
        "progress": False,
        "key": "a run",
    }
    whole, part = build(0), build(0)
    reference = greedy(whole, data(), loss, **settings)
    path = tmp_path / "run"
    with pytest.raises(Killed):
        greedy(part, data(), killed_at(step, loss), checkpoint=path, **settings)
    # In a new process the layers are made anew; in a notebook those that were begun are given.
    again = build(0) if anew else part
    histories = greedy(again, data(), loss, checkpoint=path, **settings)
    assert_equal(states(again), states(whole))
    assert [h.loss for h in histories] == [h.loss for h in reference]


def test_killed_several_times(tmp_path):
    build, loss = MODELS["corruption and hutchinson"]
    settings = {
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "lr": 0.05,
        "progress": False,
        "key": "a run",
    }
    whole, path = build(0), tmp_path / "run.pt"
    train(whole, data(), loss=loss, **settings)
    for step in (2, 5, 3, 1):
        with pytest.raises(Killed):
            train(build(0), data(), loss=killed_at(step, loss), checkpoint=path, **settings)
    again = build(4)
    train(again, data(), loss=loss, checkpoint=path, **settings)
    assert_equal(states([again]), states([whole]))
