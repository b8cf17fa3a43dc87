"""Orthogonal matching pursuit against scikit-learn's, and on hard dictionaries."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import orthogonal_mp

from replearn.sparse.pursuit import omp


def problem(n: int = 30, d: int = 20, m: int = 50) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    D = torch.randn(d, m, generator=g, dtype=torch.float64)
    X = torch.randn(n, d, generator=g, dtype=torch.float64)
    return X, D / D.norm(dim=0)


def test_with_a_number_of_atoms_it_agrees_with_scikit_learn():
    X, D = problem()
    expected = orthogonal_mp(D.numpy(), X.T.numpy(), n_nonzero_coefs=6).T
    np.testing.assert_allclose(omp(X, D, n_nonzero=6), expected, atol=1e-12)


def test_with_an_error_it_agrees_with_scikit_learn():
    X, D = problem()
    expected = orthogonal_mp(D.numpy(), X.T.numpy(), tol=2.0).T
    H = omp(X, D, error=2.0)
    np.testing.assert_allclose(H, expected, atol=1e-12)
    assert len({int(k) for k in (H != 0).sum(1)}) > 1  # samples stop at different times


def test_each_sample_has_its_error():
    X, D = problem()
    error = torch.linspace(0.5, 8, len(X), dtype=torch.float64)
    H = omp(X, D, error=error)
    assert torch.all((X - H @ D.T).square().sum(1) <= error)
    for i in (0, 13, 29):
        torch.testing.assert_close(H[i], omp(X[i : i + 1], D, error=float(error[i]))[0])


def test_both_limits_hold():
    X, D = problem()
    H = omp(X, D, n_nonzero=3, error=2.0)
    assert int((H != 0).sum(1).max()) == 3
    torch.testing.assert_close(H, omp(X, D, n_nonzero=3) * (H != 0))


def test_coordinates_that_are_masked_do_not_count():
    X, D = problem(n=6)
    mask = torch.rand(X.shape, generator=torch.Generator().manual_seed(1)) > 0.4
    H = omp(torch.where(mask, X, 99.0), D, n_nonzero=4, mask=mask)
    for x, h, known in zip(X, H, mask, strict=True):
        part = D[known]
        lengths = part.norm(dim=0)
        expected = orthogonal_mp((part / lengths).numpy(), x[known].numpy(), n_nonzero_coefs=4)
        np.testing.assert_allclose(h * lengths, expected, atol=1e-12)


def test_a_sample_without_a_known_coordinate_has_code_0():
    X, D = problem(n=3)
    mask = torch.ones_like(X, dtype=torch.bool)
    mask[1] = False
    H = omp(X, D, error=1.0, mask=mask)
    assert torch.all(H[1] == 0)
    alone = omp(X[[0, 2]], D, error=1.0)  # another batch: its products may be rounded otherwise
    torch.testing.assert_close(H[[0, 2]], alone, rtol=1e-12, atol=1e-14)


def test_the_length_of_atoms_does_not_change_the_fit():
    X, D = problem()
    scale = torch.linspace(0.1, 7, D.shape[1], dtype=torch.float64)
    torch.testing.assert_close(omp(X, D * scale, n_nonzero=5) * scale, omp(X, D, n_nonzero=5))


def test_with_error_0_samples_are_fitted_exactly_with_at_most_d_atoms():
    X, D = problem()
    H = omp(X, D, error=0.0)
    torch.testing.assert_close(H @ D.T, X)
    assert int((H != 0).sum(1).max()) <= 20


def test_it_finds_planted_codes_of_an_incoherent_dictionary():
    g = torch.Generator().manual_seed(3)
    D = torch.linalg.qr(torch.randn(20, 20, generator=g, dtype=torch.float64)).Q
    D = torch.cat([D, torch.eye(20, dtype=torch.float64)], 1)
    mu = float((D.T @ D - torch.eye(40)).abs().max())
    k = 1
    assert k < (1 + 1 / mu) / 2  # Tropp 2004: then the pursuit is right
    H = torch.zeros(40, 40, dtype=torch.float64).fill_diagonal_(2.0)
    torch.testing.assert_close(omp(H @ D.T, D, error=1e-12), H)


def test_zero_samples_and_zero_or_double_atoms():
    X, D = problem()
    D = torch.cat([D[:, :3], D[:, :3], torch.zeros(20, 1, dtype=D.dtype)], 1)
    X[4] = 0
    H = omp(X, D, error=0.0)
    assert torch.isfinite(H).all()
    assert torch.all(H[4] == 0)
    assert torch.all(H[:, 6] == 0)
    best = X @ torch.linalg.pinv(D).T @ D.T
    torch.testing.assert_close(H @ D.T, best)
    assert int((H != 0).sum(1).max()) == 3


def test_work_in_blocks_gives_the_same(monkeypatch):
    X, D = problem()
    whole = omp(X, D, error=1.0)
    monkeypatch.setattr("replearn.sparse.pursuit._NUMBERS", 7 * 20 * 20)
    torch.testing.assert_close(omp(X, D, error=1.0), whole, rtol=1e-12, atol=1e-14)


def test_single_precision_on_nearly_dependent_atoms():
    X, D = problem()
    near = (D[:, :1] + 1e-3 * D).float()
    H = omp(X.float(), near, error=0.0)
    assert H.dtype == torch.float32
    residual = (X.float() - H @ near.T).norm(dim=1)
    # Atoms at angles of 1e-3: a condition number of 1e3 or more costs that much of 1e-7.
    assert float(residual.max()) < 1e-2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"error": None}, "n_nonzero, error: got neither"),
        ({"n_nonzero": 0}, "n_nonzero: got 0, want 1 to d, which is 20"),
        ({"n_nonzero": 21}, "n_nonzero: got 21"),
        ({"error": -1.0}, "error: got -1.0"),
        ({"error": torch.ones(3)}, "error: got"),
        ({"mask": torch.ones(30, 20)}, "mask: got torch.float32"),
        ({"D": torch.ones(19, 3).double()}, r"D: got shape \(19, 3\)"),
        ({"X": torch.full((30, 20), torch.nan).double()}, "X: got NaN"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    X, D = problem()
    with pytest.raises(ValueError, match=said):
        omp(**({"X": X, "D": D, "error": 1.0} | arguments))


@pytest.mark.parametrize(
    ("dtype", "e"), [(torch.float32, 60), (torch.float32, 100), (torch.float64, 600)]
)
def test_scales_of_samples_and_of_atoms_change_nothing(dtype, e):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(6, 8, generator=generator, dtype=torch.float64).to(dtype)
    D = torch.randn(8, 12, generator=generator, dtype=torch.float64).to(dtype)
    plain = omp(X, D, n_nonzero=3)
    for up in (2.0**e, 2.0**-e):
        assert torch.equal(omp(X * up, D, n_nonzero=3), plain * up)
        assert torch.equal(omp(X, D * up, n_nonzero=3), plain / up)
    lengths = 2.0 ** torch.arange(-24, 24, 4).to(dtype)
    each = omp(X, D * lengths, n_nonzero=3)
    assert torch.allclose(each * lengths, plain)


def test_a_short_atom_is_taken_where_it_is_needed():
    D = torch.tensor([[1.0, 0.0], [0.0, 1e-8]])
    assert torch.allclose(omp(torch.tensor([[3.0, 1.0]]), D, error=0.1), torch.tensor([[3.0, 1e8]]))


def test_codes_beyond_the_dtype_are_refused():
    with pytest.raises(ValueError, match="X, D: got samples so much longer than atoms"):
        omp(torch.ones(1, 2) * 1e30, torch.eye(2) * 1e-30, n_nonzero=1)


@pytest.mark.parametrize("error", ["a", [1.0, "b"], 1j, torch.tensor(True), torch.tensor(1j)])
def test_errors_that_are_no_numbers_are_refused(error):
    with pytest.raises(ValueError, match=r"error: got .*, want a number of at least 0 or"):
        omp(torch.ones(2, 2), torch.eye(2), error=error)
