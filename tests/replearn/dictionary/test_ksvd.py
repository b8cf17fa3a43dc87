"""K-SVD: known atoms are found, the objective falls, each half of a turn is the best there is."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from replearn.dictionary import KSVD, match_atoms
from replearn.dictionary.ksvd import better_codes, update_together
from replearn.sparse import omp


def draw(n=1500, d=20, m=30, k=3, *, noise=0.01, seed=0):
    """The experiment of Aharon, Elad and Bruckstein: samples of k atoms each."""
    generator = torch.Generator().manual_seed(seed)
    D = torch.randn(d, m, generator=generator, dtype=torch.float64)
    D = D / D.norm(dim=0)
    H = torch.zeros(n, m, dtype=torch.float64)
    for row in H:
        row[torch.randperm(m, generator=generator)[:k]] = torch.randn(
            k, generator=generator, dtype=torch.float64
        )
    X = H @ D.T + noise * torch.randn(n, d, generator=generator, dtype=torch.float64)
    return X, D


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_atoms_that_made_the_data_are_found():
    X, D = draw()
    ksvd = KSVD(30, n_nonzero=3, max_iter=40).fit(X)
    similar = (D.T @ ksvd.dictionary_).abs().amax(1)
    assert (similar > 0.99).double().mean() >= 0.8  # the paper: 80 to 100 % of the atoms
    start = KSVD(30, n_nonzero=3, max_iter=1).fit(X)
    assert ksvd.score(X) > 5 * start.score(X)
    assert match_atoms(ksvd.dictionary_, D).similarity.mean() > 0.9
    assert torch.allclose(ksvd.dictionary_.norm(dim=0), torch.ones(30).double())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_objective_never_rises_and_codes_are_as_sparse_as_asked():
    X, _ = draw(n=200, noise=0.3)
    ksvd = KSVD(40, n_nonzero=2, max_iter=15, tol=0.0).fit(X.float())
    assert len(ksvd.objective_) == ksvd.n_iter_
    assert (np.diff(ksvd.objective_) <= 1e-6 * ksvd.objective_[0]).all()
    H = ksvd.transform(X.float())
    assert ((H != 0).sum(1) <= 2).all()
    assert ksvd.score(X.float()) == pytest.approx(-ksvd.objective_[-1], rel=0.2)
    again = KSVD(40, n_nonzero=2, max_iter=15, tol=0.0).fit(X.float())
    assert torch.equal(again.dictionary_, ksvd.dictionary_)


def test_an_atom_and_its_codes_are_the_best_pair():
    """No other atom with its own best codes fits the samples of an only atom better."""
    X, D = draw(n=60, d=5, m=4, k=1, noise=0.5)
    atoms = D.T[:1].contiguous()
    H = omp(X, atoms.T, n_nonzero=1)
    new, H_new, replaced = update_together(X, atoms, H)
    error = (X - H_new @ new).square().sum()
    assert replaced == 0
    assert error <= (X - H @ atoms).square().sum()
    others = torch.randn(2000, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    others = others / others.norm(dim=1, keepdim=True)
    best = X.square().sum() - (X @ others.T).square().sum(0)
    assert (error <= best + 1e-9).all()
    assert float((X.square().sum() - error) / torch.linalg.svdvals(X)[0] ** 2) == pytest.approx(1)


def test_a_code_that_was_better_stays():
    X = torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)
    D = torch.tensor([[1.0, 0, 0.8], [0, 1.0, 0.6], [0, 0, 0.01]], dtype=torch.float64)
    best = torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)  # the greedy one takes the third
    assert torch.equal(better_codes(X, D.T, best, 2), best)
    greedy = better_codes(X, D.T, torch.zeros(1, 3).double(), 2)
    assert greedy[0, 2] != 0


def test_an_atom_that_nobody_uses_is_replaced():
    X, _ = draw(n=50, d=5, m=4, k=2)
    X = torch.cat([X, 0 * X[:, :1]], 1)
    D0 = torch.eye(6, dtype=torch.float64)[:, [0, 1, 5]]  # no sample has a last coordinate
    ksvd = KSVD(3, n_nonzero=1, max_iter=2, tol=1.0, D0=D0).fit(X)
    assert ksvd.n_replaced_ == 1
    assert ksvd.dictionary_[5, 2] == 0
    assert (ksvd.transform(X)[:, 2] != 0).any()


@pytest.mark.parametrize("units", [2.0**66, 2.0**-100])
def test_units_of_the_data_change_nothing(units):
    X = draw(n=60, d=6, m=8, k=2)[0].float()
    plain = KSVD(4, n_nonzero=2, max_iter=3, tol=0.1).fit(X)
    other = KSVD(4, n_nonzero=2, max_iter=3, tol=0.1).fit(X * units)
    assert torch.equal(other.dictionary_, plain.dictionary_)
    assert torch.equal(other.transform(X * units), plain.transform(X) * units)
    assert other.objective_ == pytest.approx([value * units**2 for value in plain.objective_])


def test_what_has_not_converged_is_said():
    X, _ = draw(n=100)
    with pytest.warns(ConvergenceWarning, match="KSVD: the last of 2 turns still lowered"):
        ksvd = KSVD(10, n_nonzero=2, max_iter=2, tol=0.0).fit(X)
    assert not ksvd.converged_
    assert KSVD(10, n_nonzero=2, max_iter=5, tol=0.5).fit(X).converged_


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_nonzero": 6}, r"n_nonzero: got 6, want at most min\(m, d\), which is 5"),
        ({"n_atoms": 0}, "n_atoms: got 0, want at least 1"),
        ({"max_iter": 1.5}, "max_iter: got 1.5, want an integer"),
        ({"tol": -1.0}, "tol: got -1.0, want a number of at least 0"),
        ({"D0": torch.zeros(20, 5).double()}, "D0: got a column of zeros"),
        ({"D0": torch.ones(3, 5).double()}, r"D0: got shape \(3, 5\), want \(d, m\) = \(20, 5\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong, message):
    X, _ = draw(n=30)
    with pytest.raises(ValueError, match=message):
        KSVD(**({"n_atoms": 5} | wrong)).fit(X)


@pytest.mark.parametrize("unit", [1e155, 1e-170])
def test_an_objective_that_is_no_number_is_refused(unit):
    X = draw(60)[0]
    with pytest.raises(ValueError, match="whose squares leave the range of float64"):
        KSVD(8, n_nonzero=2, max_iter=2).fit(unit * X)
    fitted = KSVD(8, n_nonzero=2, max_iter=2, tol=1.0).fit(X)
    with pytest.raises(ValueError, match="whose squares leave the range of float64"):
        fitted.score(unit * X)
