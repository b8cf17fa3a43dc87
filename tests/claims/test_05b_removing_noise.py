"""The claims of the page on removing noise, one test each. Everything is float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.dictionary import normalise_atoms
from replearn.images import all_patches, assemble
from replearn.sparse import coordinate_descent, omp

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)


def normal(*shape, g):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@claim("lem-dict-overlap")
@given(seeds)
@many
def test_averaging_overlaps_is_least_squares_and_gains_the_disagreement(seed):
    g = torch.Generator().manual_seed(seed)
    h, w, size = 6, 7, 3
    stride = 1 + seed % size
    truth = normal(h, w, g=g)
    patches = all_patches(truth, size, stride)
    patches = patches + normal(*patches.shape, g=g)
    average = assemble(patches, (h, w), size, stride)
    # least squares, with the operator that cuts patches written out as a matrix
    cut = torch.stack(
        [
            all_patches(e.reshape(h, w), size, stride).flatten()
            for e in torch.eye(h * w, dtype=truth.dtype)
        ],
        1,
    )
    solution = torch.linalg.lstsq(cut, patches.flatten()[:, None]).solution.reshape(h, w)
    assert torch.allclose(average, solution, atol=1e-8)
    count = cut.sum(0).reshape(h, w)
    left = (count * (average - truth) ** 2).sum()
    right = (patches - all_patches(truth, size, stride)).square().sum()
    disagreement = (patches - all_patches(average, size, stride)).square().sum()
    assert float(right - left) == pytest.approx(float(disagreement), rel=1e-8, abs=1e-10)
    assert left <= right + 1e-10


def rate(D):
    """By what factor a step lowers the squared residual at least, (c)."""
    s = float(torch.linalg.svdvals(D)[-1])
    return 1 - s**2 / D.shape[1]


def pursue(x, D, steps):
    """Atoms taken and residual (d,) after each step, by the lines of the chapter."""
    taken, r, log = [], x, []
    for _ in range(steps):
        taken.append(int((D.T @ r).abs().argmax()))
        fit = torch.linalg.lstsq(D[:, taken], x[:, None]).solution[:, 0]
        r = x - D[:, taken] @ fit
        log.append((list(taken), r))
    return log


@given(seeds)
@many
def a_step_of_the_pursuit_lowers_the_error_by_the_formula(seed):
    g = torch.Generator().manual_seed(seed)
    d = 2 + seed % 6
    m = d + seed % 4
    D = normalise_atoms(normal(d, m, g=g))
    x = normal(d, g=g)
    r, before, log = x, [], pursue(x, D, d)
    for k, (taken, after) in enumerate(log, 1):
        j = taken[-1]
        if float(r.norm()) < 1e-6 * float(x.norm()):
            break
        assert j not in before  # (a)
        P = D[:, before] @ torch.linalg.pinv(D[:, before]) if before else torch.zeros(d, d).double()
        assert float((D[:, before].T @ r).abs().sum()) < 1e-9 * float(x.norm())
        u = D[:, j] - P @ D[:, j]
        drop = (D[:, j] @ r) ** 2
        exact = r @ r - drop / (u @ u)
        assert float(after @ after) == pytest.approx(float(exact), abs=1e-9 * float(x @ x))
        assert float(after @ after) <= float(r @ r - drop) + 1e-12 * float(x @ x)  # (b)
        assert float(after @ after) <= rate(D) ** k * float(x @ x) + 1e-12  # (c)
        r, before = after, taken
    same = omp(x[None], D, n_nonzero=min(2, d))[0]
    assert set(same.nonzero().flatten().tolist()) == set(log[min(2, d) - 1][0])


@claim("prop-dict-omp")
def test_a_step_of_the_pursuit():
    a_step_of_the_pursuit_lowers_the_error_by_the_formula()
    # the cases that are tight: orthonormal atoms with equal inner products, and orthogonal ones
    D = torch.linalg.qr(normal(8, 8, g=torch.Generator().manual_seed(0))).Q
    x = D.sum(1)
    for k, (_, r) in enumerate(pursue(x, D, 3), 1):
        assert float(r @ r) == pytest.approx((1 - k / 8) * float(x @ x))
    _, first = pursue(x, D, 1)[0]
    assert float(first @ first) == pytest.approx(rate(D) * float(x @ x))  # (c), equality
    # and two atoms at 30 degrees on either side of an axis, for a sample across it
    narrow = torch.tensor([[3**0.5, 3**0.5], [1.0, -1.0]], dtype=torch.float64) / 2
    _, first = pursue(torch.tensor([0.0, 1.0], dtype=torch.float64), narrow, 1)[0]
    assert float(first @ first) == pytest.approx(rate(narrow))
    # (d): orthonormal atoms, the largest entries as they are, the lasso's too small by the penalty
    x = normal(8, g=torch.Generator().manual_seed(1))
    inner = D.T @ x
    kept = inner.abs().topk(3).indices
    wanted = torch.zeros(8).double().scatter(0, kept, inner[kept])
    assert torch.allclose(omp(x[None], D, n_nonzero=3)[0], wanted, atol=1e-9)
    penalty = float(inner.abs().sort().values[4:6].mean())  # between the third and the fourth
    lasso = coordinate_descent(x[None], D, penalty, tol=1e-12).H[0]
    assert torch.allclose(
        wanted[kept].abs() - lasso[kept].abs(), torch.full((3,), penalty).double()
    )
    assert int((lasso != 0).sum()) == 3
    # with fewer than three nonzero entries there is nothing left for a third step
    (_, _), (_, r) = pursue(2 * D[:, 0] + D[:, 5], D, 2)
    assert float(r.norm()) < 1e-9
    assert float((D.T @ r).abs().max()) < 1e-9
