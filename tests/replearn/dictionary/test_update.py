"""The dictionary step: one atom after the other, and the lecture's."""

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replearn.dictionary import (
    alternating_step,
    normalise_atoms,
)
from replearn.dictionary.update import _best_atom, update_atoms
from tests.replearn.dictionary.problems import DEVICES, few, gaussian, loss


@few
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 8))
def test_one_atom_at_a_time_never_increases_the_loss(seed, d, m):
    X, H = gaussian(12, d, seed=seed), gaussian(12, m, seed=seed + 1)
    H = torch.where(H > 0.5, H, 0.0)
    D = normalise_atoms(gaussian(d, m, seed=seed + 2))
    new = update_atoms(D.T, H.T @ H, H.T @ X).T
    assert loss(X, new, H) <= loss(X, D, H) * (1 + 1e-12) + 1e-15
    torch.testing.assert_close(new.norm(dim=0), torch.ones(m, dtype=torch.float64))


def test_each_atom_is_the_best_of_its_sphere_and_unused_ones_stay():
    X, H = gaussian(30, 4), gaussian(30, 3, seed=1)
    H[:, 1] = 0
    D = normalise_atoms(gaussian(4, 3, seed=2))
    new = update_atoms(D.T, H.T @ H, H.T @ X, 200).T
    torch.testing.assert_close(new[:, 1], D[:, 1], rtol=0, atol=0)
    # Stationary on the sphere: the gradient is along the atom, against the outward normal.
    gradient = (new @ H.T - X.T) @ H
    along = (gradient * new).sum(0)
    torch.testing.assert_close(gradient, along * new, rtol=0, atol=1e-9)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_the_compiled_sweep_does_what_the_equation_says(device, dtype, tolerance):
    H, X = gaussian(40, 7, dtype=dtype, seed=1), gaussian(40, 5, dtype=dtype)
    H[:, 2] = 0
    C, A, B = normalise_atoms(gaussian(5, 7, dtype=dtype, seed=2)).T, H.T @ H, H.T @ X
    wanted = C.clone()
    for _ in range(2):
        for j in (j for j in range(7) if j != 2):
            v = B[j] - A[j] @ wanted + A[j, j] * wanted[j]
            wanted[j] = v / v.norm()
    got = update_atoms(C.to(device), A.to(device), B.to(device), 2).cpu()
    torch.testing.assert_close(got, wanted, rtol=0, atol=tolerance)


def test_the_lectures_step_is_a_gradient_step_and_a_normalisation():
    X, H, D = gaussian(20, 4), gaussian(20, 3, seed=1), gaussian(4, 3, seed=2).requires_grad_()
    (0.5 * (X - H @ D.T).square().sum(1).mean()).backward()
    wanted = D.detach() - 0.3 * D.grad
    got = alternating_step(X, D, H, 0.3)
    torch.testing.assert_close(got, wanted / wanted.norm(dim=0))
    assert not got.requires_grad


@few
@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_the_lectures_step_never_increases_up_to_one_over_the_curvature(seed, share):
    X, H = gaussian(15, 4, seed=seed), gaussian(15, 6, seed=seed + 1)
    D = normalise_atoms(gaussian(4, 6, seed=seed + 2))
    longest = 1 / float(torch.linalg.eigvalsh(H.T @ H / 15)[-1])
    assert loss(X, alternating_step(X, D, H, share * longest), H) <= loss(X, D, H) * (1 + 1e-12)
    torch.testing.assert_close(
        alternating_step(X, D, H), alternating_step(X, D, H, longest), rtol=0, atol=1e-12
    )


def test_the_lectures_step_may_increase_where_its_conditions_fail():
    # One atom, one coordinate pair: x = 1 along e_1 (weakly), codes all 1.
    X, H = torch.tensor([[0.1, 0.0]]), torch.tensor([[1.0]])
    D = torch.tensor([[1.0], [0.0]])
    # A step of 1.9, below 2 / lambda_max = 2, jumps over the middle of the sphere.
    assert loss(X, alternating_step(X, D, H, 1.9), H) > loss(X, D, H)
    # A short atom that already fits is made long by the renormalisation alone.
    assert loss(X, alternating_step(X, 0.1 * D, H), H) > loss(X, 0.1 * D, H)


def test_the_lectures_step_without_codes_only_normalises():
    D = gaussian(4, 3)
    got = alternating_step(gaussian(5, 4), D, torch.zeros(5, 3, dtype=torch.float64))
    torch.testing.assert_close(got, normalise_atoms(D))


def brute_force(v, n=200_000):
    """The largest v . d over many unit vectors d with no negative entry."""
    directions = gaussian(n, len(v), seed=5).abs()
    directions = torch.cat([directions, directions * (gaussian(n, len(v), seed=6) > 0)])
    directions = torch.cat([directions, torch.eye(len(v), dtype=torch.float64)])
    length = directions.norm(dim=1, keepdim=True)
    return float((directions[length[:, 0] > 0] / length[length[:, 0] > 0] @ v).max())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shift", [0.0, -2.0])  # entries of both signs; all of them negative
def test_the_best_atom_without_negative_entries_is_found(seed, shift):
    v = gaussian(3, seed=seed) + shift
    # One sample x = v with code 1, of one atom: the loss is least where v . d is largest.
    H, X = torch.ones(1, 1, dtype=torch.float64), v[None]
    start = normalise_atoms(gaussian(3, 1, seed=9).abs()).T
    atom = update_atoms(start, H.T @ H, H.T @ X, positive=True)[0]
    assert (atom >= 0).all()
    assert float(atom.norm()) == pytest.approx(1)
    best = brute_force(v)
    assert float(atom @ v) >= best - 1e-12
    assert float(atom @ v) == pytest.approx(best, abs=1e-3)
    torch.testing.assert_close(_best_atom(v, start[0], True), atom)  # what a GPU runs


@few
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6))
def test_positive_atoms_never_increase_the_loss(seed, d, m):
    X, H = gaussian(15, d, seed=seed), gaussian(15, m, seed=seed + 1)
    D = normalise_atoms(gaussian(d, m, seed=seed + 2).abs())
    new = update_atoms(D.T, H.T @ H, H.T @ X, positive=True).T
    assert (new >= 0).all()
    assert loss(X, new, H) <= loss(X, D, H) * (1 + 1e-12) + 1e-15
    torch.testing.assert_close(new.norm(dim=0), torch.ones(m, dtype=torch.float64))


def test_an_atom_of_no_use_to_v_stays():
    start = normalise_atoms(gaussian(3, 1).abs()).T
    for v in ([0.0, -1.0, -2.0], [0.0, 0.0, 0.0]):
        X, one = torch.tensor([v], dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
        assert torch.equal(update_atoms(start, one, X, positive=True), start)
        assert torch.equal(_best_atom(X[0], start[0], True), start[0])


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(torch.float32, s) for s in (1e-30, 1e19, 1e30)]
    + [(torch.float64, s) for s in (1e160, 1e200)],
)
@pytest.mark.parametrize("part", ["both", "X", "H"])
@pytest.mark.parametrize("step", [None, 0.1])
def test_the_lectures_step_is_right_whatever_the_units(dtype, scale, part, step):
    X, H = gaussian(20, 4), gaussian(20, 3, seed=1)
    D = normalise_atoms(gaussian(4, 3, seed=2))
    X, H = (X if part == "H" else X * scale), (H if part == "X" else H * scale)
    with mpmath.workdps(500):  # the equation itself, in 500 digits
        x, h, d = (mpmath.matrix(A.tolist()) for A in (X.to(dtype), H.to(dtype), D.to(dtype)))
        gradient = (h * d.T - x).T * h / 20
        if step is None:
            size = 1 / mpmath.mpf(max(mpmath.eigsy(h.T * h / 20, eigvals_only=True)))
        else:
            size = step
        moved = d - size * gradient
        lengths = [mpmath.sqrt(sum(moved[i, j] ** 2 for i in range(4))) for j in range(3)]
        wanted = [[float(moved[i, j] / lengths[j]) for j in range(3)] for i in range(4)]
    got = alternating_step(X.to(dtype), D.to(dtype), H.to(dtype), step)
    torch.testing.assert_close(got, torch.tensor(wanted, dtype=dtype), rtol=0, atol=1e-5)


def test_a_step_without_end_is_refused():
    with pytest.raises(ValueError, match="step: got inf, want a finite number"):
        alternating_step(gaussian(3, 5), gaussian(5, 6), gaussian(3, 6), float("inf"))
