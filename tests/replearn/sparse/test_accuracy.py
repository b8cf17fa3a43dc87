"""Float32 codes beside the float64 optimum, wherever users' dictionaries lie.

The optimum is known by a certificate computed here: a feasible dual point, whose value no objective
is below. What is asked: excess over it at most the tolerance, or ``converged`` is False.
"""

import warnings

import numpy as np
import pytest
import torch

from replearn.sparse import compiled, fista, kernels, largest_penalty, sparse_codes

N, D_SIZE, M = 10, 64, 128
SHARES = [0.5, 0.1, 0.01, 0.001]  # of the largest penalty
TOL = 1e-6


def unit(D):
    return D / D.norm(dim=0)


def copied(D):
    D = D.clone()
    D[:, D.shape[1] // 2 :] = D[:, : D.shape[1] - D.shape[1] // 2]
    return D


DICTIONARIES = {
    "independent": lambda r: unit(r(D_SIZE, M)),
    "uncentred": lambda r: unit(1 + r(D_SIZE, M)),
    "hardly apart": lambda r: unit(1 + 0.1 * r(D_SIZE, M)),
    "nearly one line": lambda r: unit(r(D_SIZE, 1) + 1e-3 * r(D_SIZE, M)),
    "each atom twice": lambda r: unit(copied(r(D_SIZE, M))),
    "uncentred, twice": lambda r: unit(copied(1 + r(D_SIZE, M))),
    "few, uncentred": lambda r: unit(1 + r(D_SIZE, 12)),
    "in few dimensions": lambda r: unit(1 + r(8, M)),
    "of many lengths": lambda r: unit(r(D_SIZE, M)) * 10 ** (4 * r(M).clamp(-1, 1)),
}


def data(name, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def r(*size):
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    D = DICTIONARIES[name](r).float()
    near = 1 + 0.1 * r(N // 2, D.shape[0])
    return torch.cat([near, r(N - N // 2, D.shape[0])]).float(), D


def objective(X, D, H, penalty, *, l2=0.0, weights=1.0):
    X, D, H = X.double(), D.double(), H.double()
    squares = (X - H @ D.T).square().sum(1) + l2 * H.square().sum(1)
    return 0.5 * squares + penalty * (weights * H.abs()).sum(1)


def lower_bound(X, D, H, penalty, *, nonnegative=False, l2=0.0, weights=1.0):
    """The dual objective at the scaled residual of H: ``s <x, r> - s^2/2 <r, r>``."""
    X, D, H = X.double(), D.double(), H.double()
    r = X - H @ D.T
    q = r @ D - l2 * H
    R = r.square().sum(1) + l2 * H.square().sum(1)
    xr = R + (q * H).sum(1)
    steepest = q / weights
    steepest = (steepest.amax(1) if nonnegative else steepest.abs().amax(1)).clamp(min=1e-300)
    s = torch.minimum(xr / R.clamp(min=1e-300), penalty / steepest).clamp(min=0)
    return s * xr - 0.5 * s.square() * R


def optimum(X, D, penalty, **norm):
    """The least objective, certified."""
    weights = norm.get("weights")
    as_given = norm if weights is None else norm | {"weights": weights.double()}
    exact = sparse_codes(
        X.double(), D.double(), penalty, solver="homotopy", tol=1e-10, **as_given
    ).H
    how = {key: value for key, value in as_given.items() if key != "nonnegative"}
    value = objective(X, D, exact, penalty, **how)
    low = lower_bound(X, D, exact, penalty, **as_given)
    assert ((value - low) <= 2e-8 * value).all()
    return low


def penalties(X, D, **norm):
    largest = largest_penalty(X, D, **norm)
    top = float(largest[largest > 0].median())
    return [float(torch.tensor(share * top)) for share in SHARES]  # numbers of float32


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("name", DICTIONARIES)
def test_float32_is_right_on_every_dictionary(name, nonnegative):
    X, D = data(name)
    for penalty in penalties(X, D, nonnegative=nonnegative):
        low = optimum(X, D, penalty, nonnegative=nonnegative)
        for solver in ("auto", "homotopy"):
            codes = sparse_codes(X, D, penalty, solver=solver, tol=TOL, nonnegative=nonnegative)
            value = objective(X, D, codes.H, penalty)
            assert codes.converged.all(), (solver, penalty, codes.reason)
            assert ((value - low) <= 1.05 * TOL * value).all(), (solver, penalty)
            assert (codes.gap >= value - low - 5e-8 * value).all(), (solver, penalty)
            assert torch.allclose(codes.objective, value, rtol=TOL)


def looked_at(X, D, h, penalty, error, longest):
    """Gap and allowance of a code, by the compiled loops in the dtype of X."""
    G, b = (D.T @ D).numpy(), (X @ D).numpy()
    kind = b.dtype.type
    active = h.nonzero().squeeze(1).numpy()
    code = np.zeros(len(b), b.dtype)
    code[: len(active)] = h.to(X.dtype).numpy()[active]
    q = np.empty_like(b)
    kernels.correlations(b, G, active, code, len(active), q)
    x2 = float(X.double().square().sum())
    sample = b, x2, kind(penalty), G, False
    precision = (0.0, float(torch.finfo(X.dtype).eps), 1e-12, 1e-12, error, longest)
    _, _, gap, allowed = kernels.bound(sample, precision, q, active, code, len(active))
    return gap, allowed


def test_what_rounding_does_to_a_gap_in_float32_is_allowed_for():
    """At the optimum, where the gap is nothing but rounding, and near it."""
    used = []
    for name in DICTIONARIES:
        X, D = data(name, seed=4)
        longest = float(D.norm(dim=0).max())
        error = compiled._CORRELATION_ERROR * float(torch.finfo(torch.float32).eps) * longest
        for penalty in penalties(X, D):
            H = sparse_codes(X.double(), D.double(), penalty, solver="homotopy", tol=1e-9).H
            for x, h in zip(X, H, strict=True):
                for near in (1.0, 0.999, 0.9):
                    rounded = (near * h).float()
                    gap, allowed = looked_at(x, D, rounded, penalty, error, longest)
                    exact, _ = looked_at(x.double(), D.double(), rounded, penalty, 0.0, longest)
                    if allowed > 0:
                        used.append((exact - gap) / allowed)
    assert max(used) <= 1
    assert max(used) > 0.02  # an allowance of fifty times what is seen would be of no use


@pytest.mark.parametrize("name", ["independent", "uncentred", "each atom twice"])
def test_what_has_not_converged_says_so(name):
    X, D = data(name, seed=1)
    for penalty in penalties(X, D):
        low = optimum(X, D, penalty)
        for codes in (
            sparse_codes(X, D, penalty, solver="coordinate descent", tol=TOL, max_iter=30),
            fista(X, D, penalty, tol=TOL, max_iter=200),
            fista(X, D, penalty, tol=TOL, max_iter=2000),
        ):
            excess = (objective(X, D, codes.H, penalty) - low) / low
            assert (excess[codes.converged] <= 1.05 * TOL).all()
            assert (codes.gap / low >= excess - 5e-8).all()


@pytest.mark.parametrize("solver", ["auto", "homotopy", "coordinate descent", "fista"])
def test_weights_and_the_elastic_net_are_solved(solver):
    X, D = data("independent")
    generator = torch.Generator().manual_seed(5)
    weights = 0.5 + torch.rand(M, generator=generator)
    largest = float(largest_penalty(X, D, weights=weights).median())
    for share in (0.5, 0.05):
        penalty, norm = float(torch.tensor(share * largest)), {"weights": weights, "l2": 0.125}
        low = optimum(X, D, penalty, **norm)
        codes = sparse_codes(X, D, penalty, solver=solver, tol=1e-5, max_iter=5000, **norm)
        value = objective(X, D, codes.H, penalty, l2=0.125, weights=weights.double())
        assert codes.converged.all()
        assert ((value - low) <= 1.05e-5 * value).all()


def test_scales_of_data_and_of_atoms_change_nothing():
    """By powers of two, for which codes and objectives have to be the same numbers."""
    X, D = data("uncentred", seed=2)
    penalty = penalties(X, D)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for solver in ("homotopy", "coordinate descent", "fista"):
            how = {"solver": solver, "tol": 1e-5, "max_iter": 200}
            plain = sparse_codes(X, D, penalty, **how)
            for e, f in ((-66, 0), (66, 0), (0, -66), (0, 66), (63, 30), (-40, -60), (100, 0)):
                units = 2.0 ** (e + f)
                codes = sparse_codes(X * 2.0**e, D * 2.0**f, penalty * units, **how)
                H = codes.H.double() * 2.0 ** (f - e)
                assert torch.allclose(H, plain.H.double(), rtol=1e-3, atol=1e-3), (solver, e, f)
                assert torch.allclose(codes.objective / 4.0**e, plain.objective, rtol=1e-5)
                assert torch.equal(codes.converged, plain.converged)


EVERY = ["coordinate descent", "homotopy", "fista", "ista"]


@pytest.mark.parametrize("solver", EVERY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_a_penalty_nearly_dependent_atoms_are_told_apart(solver, dtype):
    """A singular value that is small is not zero: leaving it out gave gaps of 0 at F = 1/2."""
    X, D = torch.tensor([[0.0, 1.0]], dtype=dtype), torch.tensor([[1.0, 1.0], [0.0, 3e-4]])
    codes = sparse_codes(X, D.to(dtype), 0.0, solver=solver, max_iter=100)
    assert codes.gap >= objective(X, D, codes.H, 0.0) - 1e-12  # the minimum is 0
    assert codes.converged or codes.gap > 1e-4


@pytest.mark.parametrize("solver", EVERY)
def test_without_a_penalty_a_short_atom_counts(solver):
    X, D = torch.tensor([[0.0, 1.0]]), torch.tensor([[1e4, 1e4, 0.0], [0.0, 0.0, 1e-4]])
    codes = sparse_codes(X, D, 0.0, solver=solver, nonnegative=True, max_iter=100)
    assert codes.gap >= objective(X, D, codes.H, 0.0) - 1e-12
    assert codes.converged or codes.gap > 1e-4


@pytest.mark.parametrize("solver", ["coordinate descent", "fista", "ista"])
def test_an_elastic_net_takes_a_code_off_an_atom_of_zeros(solver):
    X = torch.tensor([[3.0, 1.0]], dtype=torch.float64)
    D = torch.tensor([[100.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    H0 = torch.tensor([[300 / 10000.01, 1.0]], dtype=torch.float64)
    codes = sparse_codes(X, D, 0.0, l2=0.01, H0=H0, solver=solver, max_iter=100)
    excess = codes.objective - sparse_codes(X, D, 0.0, l2=0.01, tol=1e-12).objective
    assert codes.gap >= excess - 1e-12
    assert codes.converged == (codes.gap <= 1e-4 * codes.objective)


@pytest.mark.parametrize("far", [1e5, 1e9])
def test_weights_apart_and_no_penalty_are_solved_from_anywhere(far):
    X, D = torch.tensor([[-1.0]]).double(), torch.ones(1, 2).double()
    weights, H0 = torch.tensor([1.0, far]).double(), torch.tensor([[1.0, far / 1e3]]).double()
    how = {"weights": weights, "l2": 1e-3, "nonnegative": True, "H0": H0, "max_iter": 1000}
    for solver in ("coordinate descent", "fista"):
        codes = sparse_codes(X, D, 0.0, solver=solver, **how)
        value = 0.5 * (X - codes.H @ D.T).square().sum(1) + 5e-4 * codes.H.square().sum(1)
        assert codes.gap >= value - 0.5 - 1e-9 * value  # the minimum is at 0


def test_converged_is_said_of_the_code_that_is_returned():
    """Rounding it to float32 may cost more than the tolerance, of atoms on nearly one line."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        D = torch.randn(8, 1, generator=generator) + 1e-4 * torch.randn(8, 12, generator=generator)
        X = torch.randn(20, 8, generator=generator)
        largest = largest_penalty(X, D)
        for share in (1e-3, 1e-5, 1e-7):
            codes = sparse_codes(X, D, share * largest, solver="homotopy")
            small = codes.gap <= 1.001e-4 * codes.objective
            assert (small | ~codes.converged).all()


def test_at_the_largest_penalty_the_code_is_zero():
    X, D = data("uncentred", seed=3)
    for solver in EVERY:
        assert not sparse_codes(X, D, largest_penalty(X, D), solver=solver).H.any()


@pytest.mark.parametrize(
    ("x", "atoms", "dtype", "message"),
    [
        (1e200, 1.0, torch.float64, r"X: got values up to .*, whose squares overflow float64"),
        (1e-200, 1.0, torch.float64, r"X: got a row of values up to .*, whose squares underflow"),
        (1e30, 1e-30, torch.float32, r"X, D: got .*, for which codes overflow torch.float32"),
        (1e-30, 1e30, torch.float32, r"X, D: got .*, for which codes underflow torch.float32"),
    ],
)
def test_what_no_number_can_say_is_refused(x, atoms, dtype, message):
    X, D = data("independent")
    units = x * atoms
    for solver in ("homotopy", "coordinate descent", "fista", "ista"):
        with pytest.raises(ValueError, match=message):
            sparse_codes(X.to(dtype) * x, D.to(dtype) * atoms, 0.1 * units, solver=solver)
