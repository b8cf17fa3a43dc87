"""Dictionary learning: descent, recovery, forgetting, replacement."""

import itertools
import pickle
import re
import sys
import warnings
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from replearn.dictionary import (
    DictionaryLearning,
    alternating_step,
    learning,
    match_atoms,
    normalise_atoms,
    runs,
)
from replearn.dictionary import alternating as alternating_module
from replearn.dictionary import online as online_module
from replearn.dictionary.update import update_atoms
from replearn.sparse import lasso_objective, sparse_codes
from tests.replearn.dictionary.problems import METHODS, gaussian, quick

# Most of these stop early, on purpose; tests of the warning ask for it.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def planted(n=1500, d=20, m=20, k=2, *, seed=0, noise=0.01, dtype=torch.float64):
    """Samples that are each k atoms of a random dictionary, weighted +-[0.5, 1.5], plus noise."""
    generator = torch.Generator().manual_seed(seed)
    D = normalise_atoms(torch.randn(d, m, generator=generator, dtype=dtype))
    weight = 0.5 + torch.rand(n, m, generator=generator, dtype=dtype)
    weight *= torch.where(torch.rand(n, m, generator=generator) < 0.5, -1.0, 1.0)
    chosen = torch.rand(n, m, generator=generator).argsort(1) < k
    return torch.where(chosen, weight, 0.0) @ D.T + noise * gaussian(
        n, d, seed=seed, dtype=dtype
    ), D


# The whole


@settings(deadline=None, max_examples=12)
@given(
    st.integers(0, 10**6),
    st.integers(1, 8),
    st.floats(0.05, 1.0),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_the_alternation_never_increases(seed, m, penalty, nonnegative, dtype):
    X = gaussian(15, 4, seed=seed, dtype=dtype)
    model = DictionaryLearning(
        m,
        penalty,
        method="alternating",
        max_iter=6,
        tol=0.0,
        nonnegative=nonnegative,
        random_state=seed,
    )
    model.fit(X)
    assert 1 <= model.n_iter_ == len(model.objective_) == model.n_steps_ <= 6
    assert all(b <= a for a, b in zip(model.objective_, model.objective_[1:], strict=False))
    lengths = model.components_.norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(m, dtype=dtype))


def test_the_recorded_objective_is_that_of_the_equation():
    X = gaussian(40, 5)
    model = quick("alternating", max_iter=30, tol=1e-3).fit(X)
    assert model.n_iter_ < 30
    best = float(lasso_objective(X, model.dictionary_, model.transform(X), 0.2).mean())
    # The record has the codes of the dictionary before: transform can only be better.
    assert best <= model.objective_[-1] * (1 + 1e-4)
    assert best == pytest.approx(model.objective_[-1], rel=0.01)
    online = quick(epochs=1, batch_size=40, D0=model.dictionary_, code_tol=1e-6).fit(X)
    assert online.objective_[0] == pytest.approx(best, rel=1e-3)  # codes of D0, before its step


def test_an_alternation_that_rounding_would_make_worse_is_not_made(monkeypatch):
    X = gaussian(40, 5)
    model = quick("alternating", max_iter=2).fit(X)
    updates = iter([update_atoms, update_atoms, lambda atoms, *rest, **_: atoms.flip(0)])
    monkeypatch.setattr(alternating_module, "update_atoms", lambda *a, **k: next(updates)(*a, **k))
    stopped = quick("alternating", max_iter=9).fit(X)
    assert stopped.objective_ == model.objective_
    assert torch.equal(stopped.components_, model.components_)


def test_the_online_objective_is_the_mean_over_all_samples_of_an_epoch():
    X = gaussian(40, 5)
    wanted = float(X.square().sum()) / 80  # with such a penalty all codes are zero
    assert quick(penalty=1e3, epochs=2).fit(X).objective_ == pytest.approx([wanted, wanted])
    assert quick(penalty=1e3).partial_fit(X).objective_ == pytest.approx([wanted])


def test_each_epoch_visits_all_samples_in_another_order(monkeypatch):
    X, seen = gaussian(40, 5), []
    learn = runs.learn_batch
    monkeypatch.setattr(
        runs, "learn_batch", lambda state, x, s: (seen.append(x), learn(state, x, s))[1]
    )
    quick(epochs=2).fit(X)
    assert [len(x) for x in seen] == [16, 16, 8] * 2
    first, second = (torch.cat(seen[i : i + 3]) for i in (0, 3))
    for epoch in (first, second):
        torch.testing.assert_close(epoch[epoch[:, 0].argsort()], X[X[:, 0].argsort()])
    assert not torch.equal(first, second)
    assert not torch.equal(first, X)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_planted_dictionary_is_recovered_up_to_order_and_sign(seed, dtype):
    X, D = planted(seed=seed, dtype=dtype)
    model = DictionaryLearning(20, 0.1, batch_size=32, epochs=12, random_state=seed).fit(X)
    # All twenty for each of 40 seeds tried; the problem has other minima, so one may be missing.
    assert int((match_atoms(model.dictionary_, D).similarity > 0.99).sum()) >= 19


def test_a_planted_dictionary_is_recovered_by_alternation():
    X, D = planted(n=600)
    model = DictionaryLearning(20, 0.1, method="alternating", random_state=1).fit(X)
    assert int((match_atoms(model.dictionary_, D).similarity > 0.99).sum()) >= 19


@pytest.mark.parametrize("method", METHODS)
def test_codes_are_nonnegative_where_asked(method):
    X = gaussian(60, 5).abs()
    model = quick(method, nonnegative=True)
    assert float(model.fit_transform(X).min()) == 0.0
    assert float(quick(method).fit_transform(X).min()) < 0.0
    # Learned with such codes as well: the first objective is theirs, with the first atoms.
    D0 = -model.dictionary_
    first = quick(method, nonnegative=True, D0=D0, penalty=0.5, batch_size=60, max_iter=1)
    signed = clone(first).set_params(nonnegative=False)
    assert first.fit(X).objective_[0] > 1.1 * signed.fit(X).objective_[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_attributes_have_their_shapes_and_follow_the_data(dtype):
    X = gaussian(50, 5, dtype=dtype)
    model = quick().fit(X)
    H = model.transform(X)
    assert model.components_.shape == (6, 5)
    assert model.dictionary_.shape == (5, 6)
    assert H.shape == (50, 6)
    assert (H.dtype, model.components_.dtype) == (dtype, dtype)
    assert (model.n_iter_, model.n_steps_, model.n_features_in_) == (3, 12, 5)
    torch.testing.assert_close(model.dictionary_, model.components_.T, rtol=0, atol=0)
    torch.testing.assert_close(model.inverse_transform(H), H @ model.dictionary_.T)
    torch.testing.assert_close(H, sparse_codes(X, model.dictionary_, 0.2).H)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_held_out_objective_is_no_worse_than_scikit_learns():
    X, _ = planted(n=1200, d=16, m=32, k=3, noise=0.1)
    train, held_out = X[:1000], X[1000:]
    ours = DictionaryLearning(32, 0.2, batch_size=50, epochs=10).fit(train)
    peer = MiniBatchDictionaryLearning(
        32, alpha=0.2, batch_size=50, max_iter=10, fit_algorithm="cd", random_state=0,
        max_no_improvement=None, tol=0.0,
    ).fit(train.numpy())  # fmt: skip
    theirs = normalise_atoms(torch.from_numpy(peer.components_.T.copy()))

    def held(D):
        return float(lasso_objective(held_out, D, sparse_codes(held_out, D, 0.2).H, 0.2).mean())

    # Over five seeds of the data theirs was 5% to 14% above ours.
    assert held(ours.dictionary_) <= held(theirs)


# Forgetting, replacement, streams


def test_a_step_weighs_old_samples_as_documented():
    X, D = gaussian(64, 4), normalise_atoms(gaussian(4, 3, seed=1))
    for rho in (0.0, 2.0, 50.0):
        model = quick(n_atoms=3, D0=D, forgetting=rho, code_tol=1e-8).partial_fit(X[:16])
        D1, fade = model.dictionary_, max(0.5**rho, np.exp(-16 / (3 * online_module._MEMORY)))
        first, second = (
            sparse_codes(x, atoms, 0.2, tol=1e-8).H for x, atoms in ((X[:16], D), (X[16:32], D1))
        )
        A = fade * first.T @ first + second.T @ second
        B = fade * first.T @ X[:16] + second.T @ X[16:32]
        wanted = update_atoms(D1.T, A, B)
        torch.testing.assert_close(model.partial_fit(X[16:32]).components_, wanted)


def test_forgetting_leaves_a_dictionary_that_no_longer_holds():
    old, new = (planted(n=600, d=8, m=8, k=1, seed=s) for s in (0, 1))
    errors = {}
    for rho in (0.0, 20.0):
        model = DictionaryLearning(8, 0.1, batch_size=20, forgetting=rho, D0=old[1])
        model.partial_fit(old[0]).partial_fit(new[0])
        errors[rho] = float(
            lasso_objective(new[0], model.dictionary_, model.transform(new[0]), 0.1).mean()
        )
    assert errors[20.0] < 0.9 * errors[0.0]


@pytest.mark.parametrize("method", METHODS)
def test_an_unused_atom_is_replaced_by_a_sample_and_counted(method):
    X = torch.zeros(200, 6, dtype=torch.float64)
    X[:, :3] = gaussian(200, 3)
    D0 = torch.eye(6, dtype=torch.float64)  # the last three are orthogonal to all data
    model = quick(method, D0=D0, penalty=0.05, epochs=1, max_iter=1).fit(X)
    assert model.replaced_ == 3
    assert float(model.components_[:, 3:].abs().max()) == 0.0
    torch.testing.assert_close(model.components_.norm(dim=1), torch.ones(6, dtype=torch.float64))


def test_replacements_are_drawn_anew_each_time():
    X, unused = gaussian(200, 3), torch.tensor([True])
    state = online_module.start(normalise_atoms(gaussian(3, 1)).T, torch.Generator().get_state())
    H = torch.zeros(200, 1, dtype=torch.float64)
    once = online_module._replace_unused(state, unused, X, H, False)
    twice = online_module._replace_unused(once, unused, X, H, False)
    assert not torch.equal(once.atoms, twice.atoms)
    first = alternating_module.AlternatingState(state.atoms, H, state.random)
    unchanging = online_module.Settings(1e3, "auto", 1e-4, 0.0, False)  # all codes stay zero
    once = alternating_module.alternate(first, X, unchanging)
    assert not torch.equal(once.atoms, alternating_module.alternate(once, X, unchanging).atoms)


def test_atoms_in_use_are_not_replaced():
    X, D = planted()
    assert DictionaryLearning(20, 0.1, D0=D, batch_size=64, epochs=2).fit(X).replaced_ == 0


def test_first_atoms_are_samples_that_are_not_zero():
    X = torch.zeros(30, 5, dtype=torch.float64)
    X[::5] = gaussian(6, 5)
    model = quick("alternating", penalty=1e3, max_iter=1).fit(X)  # all codes zero: nothing moves
    cosines = model.components_ @ normalise_atoms(X[::5].T)
    torch.testing.assert_close(cosines.max(1).values, torch.ones(6, dtype=torch.float64))


def test_more_atoms_than_samples_that_are_not_zero_are_filled_up():
    X = torch.zeros(30, 5)
    X[0] = 1
    model = quick(epochs=1).fit(X)
    torch.testing.assert_close(model.components_.norm(dim=1), torch.ones(6))
    assert bool(quick(epochs=1).fit(torch.zeros(30, 5)).components_.isfinite().all())


def test_partial_fit_of_an_epochs_order_is_fit():
    X = gaussian(70, 5)
    model = quick(epochs=1, D0=gaussian(5, 6, seed=3))
    generator = torch.Generator()
    generator.set_state(model._first(X)[1])
    shuffled = X[torch.randperm(70, generator=generator)]
    fitted, stream = model.fit(X), clone(model)
    stream.partial_fit(shuffled[:32]).partial_fit(shuffled[32:])  # 32 is a multiple of the batch
    # Five steps on unit atoms, on batches that lie elsewhere in memory.
    torch.testing.assert_close(stream.components_, fitted.components_, rtol=0, atol=1e-12)
    assert stream.n_steps_ == fitted.n_steps_ == 5
    assert len(stream.objective_) == 2


def test_partial_fit_goes_on_after_fit_and_after_pickling():
    X = gaussian(64, 5)
    model = quick().fit(X)
    copy = pickle.loads(pickle.dumps(model))
    assert torch.equal(model.partial_fit(X).components_, copy.partial_fit(X).components_)
    assert model.n_steps_ == 3 * 4 + 4
    assert not torch.equal(model.components_, quick().fit(X).components_)


# Conventions


@pytest.mark.parametrize("method", METHODS)
def test_everything_random_comes_from_the_seed(method):
    X = gaussian(60, 5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = quick(method).fit(X).components_
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    torch.manual_seed(99)
    assert torch.equal(first, quick(method).fit(X).components_)
    assert not torch.equal(first, quick(method, random_state=1).fit(X).components_)


def test_parameters_are_read_set_and_cloned_as_in_scikit_learn():
    D0 = torch.eye(5, 6) + 1
    model = quick(D0=D0).fit(gaussian(30, 5))
    copy = clone(model)
    assert torch.equal(copy.D0, D0)
    assert not hasattr(copy, "components_")
    changed = copy.set_params(penalty=0.7)
    assert changed is copy
    assert changed.get_params()["penalty"] == 0.7
    assert {**model.get_params(), "D0": None, "penalty": 0.7} == {**copy.get_params(), "D0": None}
    with pytest.raises(ValueError, match="wrong"):
        model.set_params(wrong=1)
    assert repr(quick()).startswith("DictionaryLearning(batch_size=16")


def test_the_bar_shows_the_objective_and_is_silent_off_a_terminal(capsys, monkeypatch):
    X = gaussian(60, 5)
    quick().fit(X)
    assert capsys.readouterr().err == ""
    for method in METHODS:
        quick(method, progress="always").fit(X)
        assert "objective=" in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    quick(progress=False).fit(X)
    assert capsys.readouterr().err == ""


def test_methods_before_fit_say_so():
    for call in (
        lambda m: m.transform(gaussian(3, 5)),
        lambda m: m.inverse_transform(gaussian(3, 6)),
    ):
        with pytest.raises(NotFittedError, match=r"not fitted yet: call fit\(X\) first"):
            call(quick())


X_OK = gaussian(20, 5)


@pytest.mark.parametrize(
    ("changes", "X", "sentence"),
    [
        ({"n_atoms": 0}, X_OK, "n_atoms: got 0, want at least 1"),
        ({"n_atoms": 2.5}, X_OK, "n_atoms: got 2.5, want an integer"),
        ({"penalty": -1.0}, X_OK, "penalty: got -1.0, want a number of at least 0"),
        ({"penalty": float("inf")}, X_OK, "penalty: got inf, want a finite number"),
        ({"penalty": float("nan")}, X_OK, "penalty: got nan, want a number of at least 0"),
        ({"method": "batch"}, X_OK, "method: got 'batch', want one of online, alternating"),
        ({"solver": "newton"}, X_OK, "solver: got 'newton', want one of"),
        ({"batch_size": 0}, X_OK, "batch_size: got 0, want at least 1"),
        ({"epochs": 0}, X_OK, "epochs: got 0, want at least 1"),
        ({"forgetting": -0.5}, X_OK, "forgetting: got -0.5, want a number of at least 0"),
        ({"random_state": "a"}, X_OK, "random_state: got 'a', want an integer"),
        ({"random_state": -1}, X_OK, "random_state: got -1, want an integer"),
        ({"D0": torch.eye(6)}, X_OK, r"D0: got shape \(6, 6\), want \(d, m\) = \(5, 6\)"),
        ({"D0": torch.zeros(5, 6)}, X_OK, "D0: got a column of zeros, want"),
        ({}, [*X_OK.tolist(), [1.0]], "inhomogeneous shape"),
        ({}, X_OK * 1e160, "X: got values of about 2.*, whose squares leave the range of torch.fl"),
        ({}, X_OK * 1e-160, "X: got values of about 2.*, whose squares leave the range of torch"),
        ({}, X_OK[0], r"X: got shape \(5,\), want \(n, d\)"),
        ({}, X_OK.int(), "X: got dtype torch.int32, want"),
        ({}, X_OK * torch.nan, "X: got NaN or infinite values"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_bad_arguments_are_refused_in_one_sentence(call, changes, X, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        getattr(quick(**changes), call)(X)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: m.transform(gaussian(3, 4)), r"X: got shape \(3, 4\), want \(n, 5\)"),
        (lambda m: m.transform(gaussian(3, 5).float()), "X: got dtype torch.float32, want"),
        (lambda m: m.inverse_transform(gaussian(3, 5)), r"H: got shape \(3, 5\), want \(n, 6\)"),
        (lambda m: m.partial_fit(gaussian(3, 4)), r"X: got shape \(3, 4\), want \(n, 5\)"),
        (
            lambda m: m.set_params(n_atoms=7).partial_fit(gaussian(3, 5)),
            "n_atoms: got 7, want 6, as before",
        ),
        (
            lambda m: alternating_step(gaussian(3, 5), gaussian(5, 6), gaussian(4, 6)),
            re.escape("X, D, H: got (3, 5) torch.float64, (5, 6) torch.float64 and (4, 6)"),
        ),
        (
            lambda m: alternating_step(gaussian(3, 5), gaussian(5, 6), gaussian(3, 6), -1.0),
            "step: got -1.0, want a number of at least 0",
        ),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(quick().fit(X_OK))


def test_a_refused_fit_leaves_no_file(tmp_path):
    path = tmp_path / "folder" / "state.pt"
    with suppress(ValueError):
        quick(checkpoint=path, penalty=-1.0).fit(X_OK)
    assert not path.parent.exists()


# Atoms without negative entries


@pytest.mark.parametrize("method", METHODS)
def test_a_dictionary_is_positive_where_asked(method):
    X = gaussian(80, 5) + 0.3
    model = quick(method, positive_dictionary=True, epochs=5, max_iter=10).fit(X)
    assert float(model.components_.min()) >= 0
    assert float(quick(method, epochs=5, max_iter=10).fit(X).components_.min()) < 0
    objective = model.objective_
    if method == "alternating":
        assert all(b <= a for a, b in itertools.pairwise(objective))
    # More atoms than samples with a positive part: the rest is drawn, positive too.
    model = quick(method, positive_dictionary=True, n_atoms=9).fit(torch.cat([X[:3], -X.abs()]))
    assert float(model.components_.min()) >= 0
    assert bool(model.components_.isfinite().all())
    with pytest.raises(ValueError, match="D0: got negative entries, want none with positive_dict"):
        quick(method, positive_dictionary=True, D0=gaussian(5, 6)).fit(X)


def test_drawn_atoms_are_positive_where_asked():
    X = torch.cat([gaussian(3, 5), -gaussian(20, 5, seed=1).abs()])
    atoms = quick(positive_dictionary=True, n_atoms=9)._first_atoms(X, torch.Generator())
    assert float(atoms.min()) >= 0
    assert float(quick(n_atoms=9)._first_atoms(X, torch.Generator()).min()) < 0
    for positive in (True, False):
        places, new = online_module.draw_replacements(
            torch.ones(6, dtype=torch.bool), X, X, positive, torch.Generator()
        )
        # Only the first three samples have a positive part.
        assert len(places) == len(new) == (3 if positive else 6)
        assert (float(new.min()) >= 0) == positive
        torch.testing.assert_close(new.norm(dim=1), torch.ones(len(new), dtype=new.dtype))


def test_a_positive_dictionary_of_positive_parts_is_found():
    """Non-negative factors that NMF could have made are recovered."""
    D = normalise_atoms((gaussian(12, 5).abs()) * (gaussian(12, 5, seed=1) > 0.3))
    H = gaussian(600, 5, seed=2).abs() * (gaussian(600, 5, seed=3) > 0.8)
    model = DictionaryLearning(
        5, 0.01, nonnegative=True, positive_dictionary=True, method="alternating", max_iter=200
    ).fit(H @ D.T)
    assert float(match_atoms(model.dictionary_, D).similarity.min()) > 0.99


# Its score, and what did not converge


@pytest.mark.parametrize("method", METHODS)
def test_the_score_is_minus_the_mean_objective(method):
    X = gaussian(60, 5)
    model = quick(method, transform_tol=1e-8).fit(X)
    H = model.transform(X)
    F = 0.5 * (X - H @ model.components_).square().sum(1) + 0.2 * H.abs().sum(1)
    assert model.score(X) == pytest.approx(-float(F.mean()))


def never(real):
    """A solver whose codes of the first three samples did not converge."""

    def solve(X, *arguments, **options):
        codes = real(X, *arguments, **options)
        converged = codes.converged.clone()
        converged[:3] = False
        return replace(codes, converged=converged)

    return solve


@pytest.mark.parametrize("method", METHODS)
def test_codes_that_did_not_converge_warn_and_are_counted(method, monkeypatch):
    X = gaussian(60, 5)
    model = quick(method, max_iter=2, batch_size=20).fit(X)
    assert model.n_unconverged_ == 0
    for module in (learning, online_module, alternating_module):
        monkeypatch.setattr(module, "sparse_codes", never(module.sparse_codes))
    for call in (model.transform, model.score):
        with pytest.warns(ConvergenceWarning, match=r"3 codes did not come to a .* transform_tol="):
            call(X)
        assert model.n_unconverged_ == 3
    with pytest.warns(ConvergenceWarning, match=r"\d+ codes did not come to a .* code_tol="):
        model.fit(X)
    # Three of each of three batches in three epochs; of the last alternation.
    assert model.n_unconverged_ == (27 if method == "online" else 3)
    if method == "online":
        with pytest.warns(ConvergenceWarning, match="^DictionaryLearning: 6 codes did not come"):
            model.partial_fit(X[:40])
        assert model.n_unconverged_ == 6
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(X)
    assert model.n_unconverged_ == 0


def test_an_alternation_that_max_iter_ends_warns():
    X = gaussian(60, 5)
    with pytest.warns(ConvergenceWarning, match=r"still fell by more than tol=0 .* max_iter=4 alt"):
        assert not quick("alternating").fit(X).converged_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quick("alternating", tol=0.01, max_iter=200).fit(X).converged_
        assert not quick("alternating", max_iter=1).fit(X).converged_  # one is one
        assert quick().fit(X).converged_


def test_only_an_online_model_can_be_fitted_in_parts():
    assert hasattr(quick(), "partial_fit")
    assert not hasattr(quick("alternating"), "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as caught:
        quick("alternating").partial_fit(X_OK)
    assert "want 'online' for partial_fit" in str(caught.value.__cause__)


@pytest.mark.parametrize("name", ["nonnegative", "positive_dictionary"])
def test_flags_are_true_or_false(name):
    with pytest.raises(ValueError, match=f"{name}: got 'no', want True or False"):
        quick(**{name: "no"}).fit(gaussian(20, 5))
