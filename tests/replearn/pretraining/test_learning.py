"""The estimator around an RBM: its step, its reproducibility, what it refuses."""

import pickle

import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from replearn import pretraining
from replearn.pretraining import RBM, contrastive_divergence
from replearn.pretraining.learning import RBMLearning

KINDS = [(v, h) for v in ("binary", "gaussian") for h in ("binary", "gaussian")]


def bits(n=40, d=6, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(n, d, generator=generator, dtype=dtype) > 0.5).to(dtype)


def patterns(n=60):
    """Two patterns, so that the units of each go together."""
    one = torch.tensor([1.0, 1, 1, 0, 0, 0], dtype=torch.float64)
    return torch.stack([one, 1 - one]).repeat(n // 2, 1)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_a_step_is_one_of_gradient_descent_on_contrastive_divergence(visible, hidden, monkeypatch):
    X, X_k = bits(), bits(seed=1)
    settings = {"visible": visible, "hidden": hidden, "lr": 0.01}
    learner = RBMLearning(3, **settings).partial_fit(X)
    machine = RBM(6, 3, visible=visible, hidden=hidden).double()
    machine.load_state_dict(learner.rbm_.state_dict())
    monkeypatch.setattr(RBM, "gibbs", lambda self, X, steps, *rest, **options: X_k)
    optimizer = torch.optim.SGD(machine.parameters(), lr=0.01)
    contrastive_divergence()(machine, X).backward()
    optimizer.step()
    learner.partial_fit(X)
    for name, wanted in machine.state_dict().items():
        torch.testing.assert_close(learner.rbm_.state_dict()[name], wanted)
    torch.testing.assert_close(learner.components_, machine.weight.detach())
    torch.testing.assert_close(learner.intercept_hidden_, machine.bias.detach())
    torch.testing.assert_close(learner.intercept_visible_, machine.visible_bias.detach())
    assert learner.n_steps_ == 2


def test_training_raises_the_likelihood_of_patterns():
    X = patterns()
    learner = RBMLearning(4, epochs=60, lr=0.3).fit(X)
    assert learner.score(X) > RBMLearning(4, epochs=1).fit(X).score(X) + 2
    machine = learner.rbm_
    found = machine.log_partition(X, generator=torch.Generator().manual_seed(0))
    log_p = -machine.free_energy(X[:2]).detach() - found.value
    assert (log_p > -6 * 0.6931 + 1).all()  # better than fair coins by a factor of e at least


def test_everything_random_comes_from_its_state():
    X = bits()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, same, other = (RBMLearning(3, epochs=2, random_state=s).fit(X) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.components_, same.components_)
    assert not torch.equal(one.components_, other.components_)
    # It goes on after pickling as it would have.
    copy = pickle.loads(pickle.dumps(one))
    assert torch.equal(one.partial_fit(X).components_, copy.partial_fit(X).components_)
    assert not torch.equal(one.components_, same.components_)


@pytest.mark.parametrize(
    ("changes", "X", "sentence"),
    [
        ({"n_components": 0}, bits(), "n_components: got 0, want at least 1"),
        ({"epochs": 2.5}, bits(), "epochs: got 2.5, want an integer"),
        ({"lr": -1.0}, bits(), "lr: got -1.0, want a number of at least 0"),
        ({"lr": float("inf")}, bits(), "lr: got inf, with which the weights diverged"),
        ({"visible": "poisson"}, bits(), "visible: got 'poisson', want one of binary, gaussian"),
        ({"random_state": "a"}, bits(), "random_state: got 'a', want an integer"),
        ({}, 2 * bits(), r"X: got values from 0 to 2, want values in \[0, 1\]"),
        ({"visible": "gaussian", "lr": 5.0}, 100 * bits(), "lr: got 5.0, with which the weights"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_what_does_not_fit_is_refused(changes, X, sentence, call):
    learner = RBMLearning(**{"n_components": 3, "hidden": "gaussian", "epochs": 50} | changes)

    def learn():
        for _ in range(50):
            getattr(learner, call)(X)

    with pytest.raises(ValueError, match=f"^{sentence}"):
        learn()


def test_a_machine_of_other_sizes_is_not_gone_on_with():
    learner = RBMLearning(3).partial_fit(bits())
    with pytest.raises(ValueError, match="n_components: got 4 with binary visible and"):
        learner.set_params(n_components=4).partial_fit(bits())
    with pytest.raises(NotFittedError, match="this RBMLearning is not fitted yet"):
        clone(learner).score(bits())


def test_gaussian_samples_have_no_score():
    learner = RBMLearning(2, visible="gaussian", lr=1e-3).fit(bits())
    assert not hasattr(learner, "score")
    with pytest.raises(AttributeError) as caught:
        learner.score_samples(bits())
    assert "want 'binary' for a score" in str(caught.value.__cause__)


def test_the_package_names_it_without_loading_it_first():
    assert pretraining.RBMLearning is RBMLearning
    with pytest.raises(AttributeError, match="no attribute 'RBMLearner'"):
        pretraining.RBMLearner  # noqa: B018


def test_reports_23179_and_9694_of_scikit_learn():
    """The score grows with the number of units, as a log-likelihood does; codes are not all 1."""
    few, many = (torch.ones(10, d, dtype=torch.float64) for d in (10, 1000))
    shares = [RBMLearning(4).fit(X).score(X) / X.shape[1] for X in (few, many)]
    assert shares[0] == pytest.approx(shares[1], rel=0.2)
    counts = (bits(200, 300) * 7).numpy().astype(int)
    with pytest.raises(ValueError, match=r"X: got values from 0 to 7, want values in \[0, 1\]"):
        RBMLearning(20).fit(counts)
    rare = (torch.rand(200, 300, generator=torch.Generator().manual_seed(0)) < 0.01).double()
    assert float(RBMLearning(20, lr=0.05).fit_transform(rare).std(0).min()) > 0.001


def test_a_part_that_diverges_leaves_the_machine_as_it_was(monkeypatch):
    X = bits() - 0.5
    learner = RBMLearning(3, visible="gaussian", hidden="gaussian", lr=1e-3).partial_fit(X)
    before, codes, steps = learner.components_.clone(), learner.transform(X), learner.n_steps_
    monkeypatch.setattr(RBM, "gibbs", lambda self, X, *_: X + 1e200)
    learner.set_params(lr=1e200)
    for _ in range(2):
        with pytest.raises(ValueError, match="with which the weights diverged"):
            learner.partial_fit(X)
    monkeypatch.undo()
    assert torch.equal(learner.rbm_.weight, before)
    assert torch.equal(learner.transform(X), codes)
    assert learner.n_steps_ == steps
    learner.set_params(lr=1e-3).partial_fit(X)
    assert torch.isfinite(learner.components_).all()
