"""The theorems and propositions of chapter 04, one test each.

A theorem that speaks of every dictionary and sample is tested on problems drawn by hypothesis:
shapes (more atoms than dimensions and fewer), coherence, scale and penalty vary. Everything is
float64; tolerances are relative to the scale of the problem.
"""

import math
from dataclasses import dataclass
from itertools import pairwise, product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from replearn.dictionary import mutual_coherence, normalise_atoms
from replearn.sparse import (
    coordinate_descent,
    duality_gap,
    fista,
    ista,
    largest_penalty,
    lipschitz,
    omp,
    optimality,
    sign_clamp,
    soft_threshold,
    sparse_codes,
)

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=25, deadline=None)
few = settings(max_examples=10, deadline=None)


def normal(g, *shape):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@dataclass(frozen=True)
class Problem:
    """One sample x (d,), a dictionary D (d, m), a penalty; F, its parts, and the proximal step."""

    x: torch.Tensor
    D: torch.Tensor
    penalty: float
    g: torch.Generator

    @property
    def L(self) -> float:
        return float(torch.linalg.eigvalsh(self.D.T @ self.D)[-1])

    @property
    def scale(self) -> float:
        """F(0), the natural unit of the objective."""
        return float(0.5 * self.x @ self.x)

    def smooth(self, h):
        return 0.5 * float(((self.x - self.D @ h) ** 2).sum())

    def slope(self, h):
        return self.D.T @ (self.D @ h - self.x)

    def F(self, h):
        return self.smooth(h) + self.penalty * float(h.abs().sum())

    def step(self, h, alpha):
        z = h - alpha * self.slope(h)
        return z.sign() * (z.abs() - alpha * self.penalty).clamp(min=0)

    def violation(self, h):
        c = -self.slope(h)
        wrong = torch.where(h != 0, (c - self.penalty * h.sign()).abs(), c.abs() - self.penalty)
        return float(wrong.clamp(min=0).max())

    def code(self):
        """A random code of the size of the minimiser, some of its entries zero."""
        m = self.D.shape[1]
        size = float(self.x.norm()) / math.sqrt(m)
        return size * normal(self.g, m) * (torch.rand(m, generator=self.g) < 0.6)

    def best(self):
        """A minimiser: support and signs from the library, values from their linear system."""
        h = sparse_codes(
            self.x[None], self.D, self.penalty, solver="fista", tol=1e-12, max_iter=50_000
        ).H[0]
        J = h != 0
        if bool(J.any()):
            D_J = self.D[:, J]
            values = torch.linalg.lstsq(
                D_J.T @ D_J, (D_J.T @ self.x - self.penalty * h[J].sign())[:, None]
            ).solution[:, 0]
            polished = torch.zeros_like(h)
            polished[J] = values
            if self.violation(polished) < self.violation(h):
                h = polished
        # judged by the optimality conditions, not by the solver's own word
        unit = float((self.D.T @ self.x).abs().max())
        assert self.violation(h) <= 1e-6 * unit
        return h


def draw(seed, *, penalty=None, coherent=True):
    """A random problem; the penalty as a share of the largest one, by default 0.02 to 0.8."""
    g = torch.Generator().manual_seed(seed)
    d, m = (int(torch.randint(2, 9, (), generator=g)) for _ in range(2))
    D = normal(g, d, m)
    if coherent and seed % 2:
        D = D + 2 * normal(g, d, 1)  # atoms with a common part
    D = D * (0.5 + torch.rand(m, generator=g))  # of different lengths: unit length is not needed
    scale = 10.0 ** int(torch.randint(-2, 3, (), generator=g))
    x = scale * normal(g, d)
    share = 0.02 + 0.78 * float(torch.rand((), generator=g)) if penalty is None else penalty
    return Problem(x, D, share * float((D.T @ x).abs().max()), g)


def one_atom(length2=1.0, x=0.0, penalty=0.0):
    """D of one atom along the first axis: every inequality of one dimension is sharp on it."""
    g = torch.Generator().manual_seed(0)
    D = torch.tensor([[math.sqrt(length2)], [0.0]], dtype=torch.float64)
    return Problem(torch.tensor([x, 0.0], dtype=torch.float64), D, penalty, g)


def nearly_flat(penalty):
    """One atom almost zero, x = 0: F is the penalty."""
    return one_atom(length2=1e-12, penalty=penalty)


def vector(*entries):
    return torch.tensor(entries, dtype=torch.float64)


@given(seeds)
@many
def the_l1_norm_is_below_the_count_and_above_every_affine_minorant(seed):
    g = torch.Generator().manual_seed(seed)
    m = int(torch.randint(1, 4, (), generator=g))
    R = 10.0 ** float(normal(g, 1))
    box = R * (2 * torch.rand(400, m, generator=g, dtype=torch.float64) - 1)
    box *= torch.rand(400, m, generator=g) < 0.7
    count, l1 = (box != 0).sum(1), box.abs().sum(1) / R
    assert bool((l1 <= count + 1e-12).all())
    # the largest affine function of each slope below the count on the box: below l1 / R as well
    slope = 2 * normal(g, m) / R
    b = -float((R * slope.abs() - 1).clamp(min=0).sum())
    affine = box @ slope + b
    assert bool((affine <= count + 1e-9).all())
    assert bool((affine <= l1 + 1e-9).all())
    # and their supremum reaches it: slopes sign(h) / R
    assert torch.allclose((box * box.sign() / R).sum(1), l1)


@given(seeds)
@few
def no_convex_function_below_the_count_exceeds_the_l1_norm(seed):
    """The largest value a convex minorant may have at h: the cheapest mixture with mean h."""
    g = torch.Generator().manual_seed(seed)
    m = int(torch.randint(1, 4, (), generator=g))
    R = 10.0 ** float(normal(g, 1))
    h = R * (2 * torch.rand(m, generator=g, dtype=torch.float64) - 1)
    grid = torch.tensor(list(product([-1, -0.5, 0, 0.25, 1], repeat=m)), dtype=torch.float64)
    cost = (grid != 0).sum(1)
    mean_and_mass = torch.cat([grid.T, torch.ones(1, len(grid), dtype=torch.float64)])
    wanted = torch.cat([h / R, torch.ones(1, dtype=torch.float64)])
    mixture = linprog(cost.numpy(), A_eq=mean_and_mass.numpy(), b_eq=wanted.numpy())
    assert mixture.fun == pytest.approx(float(h.abs().sum()) / R, abs=1e-9)


@claim("thm-l1-envelope")
def test_the_l1_norm_is_the_convex_envelope_of_the_count():
    the_l1_norm_is_below_the_count_and_above_every_affine_minorant()
    no_convex_function_below_the_count_exceeds_the_l1_norm()


@claim("thm-lasso-optimality")
@given(seeds)
@few
def test_the_conditions_hold_exactly_at_the_minimisers(seed):
    p = draw(seed, penalty=0.0 if seed % 5 == 0 else None)
    h = p.best()
    for reach in (1e-3, 1.0, 100.0):  # the conditions hold at h: nothing is lower
        y = h + reach * p.code()
        growth = 0.5 * float(((p.D @ (y - h)) ** 2).sum())
        assert p.F(y) >= p.F(h) + growth - 1e-6 * (p.scale + growth)
    # an atom with |d^T r| = penalty
    edge = Problem(p.x, p.D, float((p.D.T @ p.x).abs().max()), p.g)
    assert edge.violation(torch.zeros_like(h)) <= 1e-9 * edge.penalty
    # they fail at another code: some entry alone can be changed to lower F
    y = p.code()
    assume(p.violation(y) > 1e-3 * float((p.D.T @ p.x).abs().max()))
    c, length2 = -p.slope(y), (p.D**2).sum(0)
    moves = []
    for j in range(len(y)):
        z = c[j] + length2[j] * y[j]
        moved = y.clone()
        moved[j] = torch.sign(z) * max(float(z.abs()) - p.penalty, 0.0) / length2[j]
        moves.append(p.F(moved))
    assert min(moves) < p.F(y)
    assert p.F(y) > p.F(h)


@claim("prop-zero-code")
@given(seeds)
@many
def test_the_code_is_zero_from_the_largest_penalty_on_and_not_below(seed):
    p = draw(seed)
    top = float((p.D.T @ p.x).abs().max())
    assert float(largest_penalty(p.x[None], p.D)) == pytest.approx(top, rel=1e-12)
    above, below = (Problem(p.x, p.D, share * top, p.g) for share in (1.0, 0.99))
    zero = torch.zeros(p.D.shape[1], dtype=torch.float64)
    assert above.F(above.best()) >= above.F(zero) * (1 - 1e-12)
    assert below.F(below.best()) < below.F(zero)


@claim("prop-same-fit")
@given(seeds)
@few
def test_all_minimisers_share_fit_correlations_and_norm(seed):
    p = draw(seed)
    twice = Problem(p.x, torch.cat([p.D, p.D[:, :2]], 1), p.penalty, p.g)
    m = p.D.shape[1]
    h = torch.cat([p.best(), torch.zeros(min(m, 2), dtype=torch.float64)])
    for _ in range(3):  # weight moved between the copies: a minimiser, and not the same code
        part = torch.rand(2, generator=p.g, dtype=torch.float64)
        other = h.clone()
        other[m : m + 2] = part * h[:2]
        other[:2] = (1 - part) * h[:2]
        assert twice.F(other) == pytest.approx(twice.F(h), rel=1e-9)
        assert torch.allclose(twice.D @ other, twice.D @ h, atol=1e-9 * float(p.x.norm()))
        assert float(other.abs().sum()) == pytest.approx(float(h.abs().sum()), rel=1e-9)
    # and what a solver finds from two starts
    starts = torch.stack([twice.code(), 3 * twice.code()])
    found = fista(
        p.x.expand(2, -1), twice.D, twice.penalty, H0=starts, tol=1e-12, max_iter=20_000
    ).H
    fits = found @ twice.D.T
    assert torch.allclose(fits[0], fits[1], atol=1e-4 * float(p.x.norm()))
    assert float(found[0].abs().sum()) == pytest.approx(float(found[1].abs().sum()), rel=1e-3)
    # unique where the conditions are strict and the columns independent
    J = p.best() != 0
    slack = p.penalty - p.slope(p.best()).abs()[~J]
    if bool(J.any()) and (len(slack) == 0 or float(slack.min()) > 1e-2 * p.penalty):
        s = torch.linalg.svdvals(p.D[:, J])
        if len(s) == int(J.sum()) and float(s[-1]) > 0.1 * float(s[0]):
            once = fista(
                p.x.expand(2, -1), p.D, p.penalty, H0=starts[:, :m], tol=1e-12, max_iter=20_000
            ).H
            assert torch.allclose(once[0], once[1], atol=1e-4 * float(once.abs().max()))


finite = st.floats(-1e6, 1e6, allow_nan=False, allow_infinity=False)


@claim("thm-soft-threshold")
@given(
    st.lists(finite, min_size=1, max_size=8),
    st.floats(0, 1e6),
    st.lists(finite, min_size=1, max_size=8),
)
@settings(max_examples=100, deadline=None)
def test_the_proximal_operator_is_soft_thresholding_and_the_sign_clamp(z, t, others):
    z = torch.tensor([*z, t, -t, 0.0, 2 * t], dtype=torch.float64)  # the corners too
    y = soft_threshold(z, t)
    assert torch.equal(y, sign_clamp(z, t))
    expected = [math.copysign(max(abs(v) - t, 0.0), v) for v in z.tolist()]
    assert torch.equal(y, torch.tensor(expected, dtype=torch.float64))

    def cost(y):
        return 0.5 * (y - z) ** 2 + t * y.abs()

    for other in others:  # entry by entry: the problem separates
        room = 1e-13 * (1 + z**2 + other**2 + t**2)  # what float64 leaves of differences of squares
        assert bool((cost(torch.full_like(z, other)) >= cost(y) - room).all())
        near = y + 1e-3 * other
        assert bool((cost(near) >= cost(y) + 0.5 * (near - y) ** 2 - room).all())


@claim("lem-majorise")
@given(seeds)
@many
def test_the_simple_function_lies_above_and_touches(seed):
    p = draw(seed)
    L = p.L
    assert lipschitz(p.D) == pytest.approx(L, rel=1e-9)

    def Q(h, y, alpha):
        return (
            p.smooth(y)
            + float(p.slope(y) @ (h - y))
            + float(((h - y) ** 2).sum()) / (2 * alpha)
            + p.penalty * float(h.abs().sum())
        )

    h, y = 10 * p.code(), p.code()
    room = 1e-9 * (p.scale + Q(h, y, 1 / L))
    for alpha in (1 / L, 0.3 / L):
        assert Q(h, y, alpha) >= p.F(h) - room
        assert Q(y, y, alpha) == pytest.approx(p.F(y), rel=1e-12)
    steepest = torch.linalg.eigh(p.D.T @ p.D).eigenvectors[:, -1]
    h = y + float(p.x.norm()) * steepest
    assert Q(h, y, 1.001 / L) < p.F(h)
    assert Q(h, y, 1 / L) >= p.F(h) - 1e-9 * p.F(h)  # an equality


@claim("prop-ista-step")
@given(seeds)
@few
def test_which_steps_are_safe(seed):
    p = draw(seed)
    L, best = p.L, p.best()

    def gain(alpha, L, move):
        return (1 / alpha - L / 2) * float((move**2).sum())

    size = float(best.abs().max()) + 1e-12 * float(p.x.norm())
    h = p.code()
    for factor in (0.2, 1.0, 1.9, 3.0):  # (a) a code that stays is optimal, whatever the step
        assert torch.allclose(p.step(best, factor / L), best, atol=1e-4 * size)
        if p.violation(h) > 1e-3 * p.penalty:
            assert not torch.equal(p.step(h, factor / L), h)
    for factor in (0.2, 1.0, 1.5, 1.99):  # (b)
        alpha = factor / L
        after = p.step(h, alpha)
        assert p.F(after) <= p.F(h) - gain(alpha, L, after - h) + 1e-9 * p.F(h)
        one = one_atom(length2=L, penalty=0.01 * L)  # here the gain is exact
        start = vector(1.0)
        after = one.step(start, alpha)
        if float(after) > 0:
            lowered = one.F(start) - one.F(after)
            assert lowered == pytest.approx(gain(alpha, L, after - start), rel=1e-9)
    # (c) one atom, and a step beyond the limit
    one = Problem(p.x, p.D[:, :1], 0.5 * float((p.D[:, 0] @ p.x).abs()), p.g)
    alpha = 2.05 / one.L
    size = alpha * (float((one.D.T @ one.x).abs()) + one.penalty) / (alpha * one.L - 2)
    h = 1.01 * size * (one.D.T @ one.x).sign()  # the side from which it is hardest to grow
    sizes = []
    for _ in range(400):
        sizes.append(float(h.abs()))
        h = one.step(h, alpha)
    assert all(b > a for a, b in pairwise(sizes))
    assert sizes[-1] > 100 * sizes[0]


@claim("lem-proximal-step")
@given(seeds)
@many
def test_what_one_proximal_step_achieves(seed):
    p = draw(seed)

    def below(p, alpha, y, h):
        after = p.step(y, alpha)
        closer = (((h - y) ** 2).sum() - ((h - after) ** 2).sum()) / (2 * alpha)
        room = 1e-9 * (p.scale + abs(float(closer)) + p.F(h))
        assert p.F(after) <= p.F(h) + float(closer) + room

    for factor in (1.0, 0.4):
        alpha = factor / p.L
        y = 3 * p.code()
        for h in (p.code(), torch.zeros_like(y), y, 10 * p.code()):
            below(p, alpha, y, h)
        below(one_atom(length2=p.L), alpha, vector(1.0), vector(1.0))  # sharp for h = y
    below(nearly_flat(1e-4), 1.0, vector(1.0), vector(0.0))  # and for the minimiser, nearly


def ista_bound(k, L, distance2):
    return L * distance2 / (2 * k)


def fista_bound(k, L, distance2):
    return 2 * L * distance2 / (k + 1) ** 2


def slow_problem(steps, share):
    """D = diag(1, almost 0), x = 0 and a penalty that needs all the steps: the bounds' worst."""
    D = torch.diag(torch.tensor([1.0, 1e-6], dtype=torch.float64))
    start = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    return torch.zeros(1, 2, dtype=torch.float64), D, share(steps), start


def never_farther(p, start, best):
    h, distance = start, float((start - best).norm())
    for _ in range(100):
        h = p.step(h, 1 / p.L)
        closer = float((h - best).norm())
        assert closer <= distance * (1 + 1e-9) + 1e-6 * float(best.norm())
        distance = closer


@given(seeds)
@few
def ista_obeys_its_theorem(seed):
    p = draw(seed)
    best, start, L = p.best(), 3 * p.code(), p.L
    distance2 = float(((start - best) ** 2).sum())
    run = ista(p.x[None], p.D, p.penalty, H0=start[None], tol=0, max_iter=150, trace=True)
    assert len(run.trace) > 1
    room = 1e-7 * (p.scale + p.F(start))
    for k, value in enumerate(run.trace[1:], start=1):
        assert value - p.F(best) <= ista_bound(k, L, distance2) + room
    assert all(b <= a + 1e-12 * run.trace[0] for a, b in pairwise(run.trace))
    never_farther(p, start, best)
    # two copies of an atom: from one minimiser, any other stays as far away as it is
    twins = Problem(vector(1.0, 0.0), vector(1.0, 1.0, 0.0, 0.0).view(2, 2), 0.1, p.g)
    never_farther(twins, vector(0.9, 0.0), vector(0.0, 0.9))
    end = ista(p.x[None], p.D, p.penalty, H0=start[None], tol=1e-9, max_iter=100_000)
    assert bool(end.converged[0])  # (c): to a minimiser
    assert p.F(end.H[0]) <= p.F(best) + 1e-8 * p.scale


@claim("thm-ista")
def test_ista_converges_like_one_over_k_with_its_constant():
    ista_obeys_its_theorem()
    for k in (3, 10, 40):  # no better constant than half of this one
        X, D, penalty, start = slow_problem(k, lambda k: 1 / (2 * k))
        reached = ista(X, D, penalty, H0=start, step=1.0, tol=0, max_iter=k, trace=True).trace[k]
        assert 0.49 / (2 * k) <= reached <= ista_bound(k, 1.0, 1.0)


@claim("prop-ista-tail")
@given(seeds)
@few
def test_the_support_is_found_and_then_convergence_is_linear(seed):
    g = torch.Generator().manual_seed(seed)
    D = normalise_atoms(normal(g, 10, 14))
    x = normal(g, 10)
    p = Problem(x, D, 0.4 * float((D.T @ x).abs().max()), g)
    best, L = p.best(), p.L
    J = best != 0
    mu = float(torch.linalg.eigvalsh(D[:, J].T @ D[:, J])[0])
    slack = float((p.penalty - p.slope(best).abs()[~J]).min())
    size = float(best.abs()[J].min())
    assume(mu > 0.1 and slack > 0.02 * p.penalty and size > 0.02 * float(best.abs().max()))
    h, found, checked = p.code(), False, 0
    for _ in range(3000):
        after = p.step(h, 1 / L)
        before = float((h - best).norm())
        if before < 1e-8 * float(best.norm()):
            break
        if torch.equal(h.sign(), best.sign()) and torch.equal(after.sign(), best.sign()):
            assert float((after - best).norm()) <= (1 - mu / L) * before * (1 + 1e-6)
            found, checked = True, checked + 1
        h = after
    assert found
    assert checked > 3
    assert torch.equal(h.sign(), best.sign())


@given(seeds)
@few
def fista_obeys_its_theorem(seed):
    p = draw(seed)
    best, start = p.best(), 3 * p.code()
    distance2 = float(((start - best) ** 2).sum())
    run = fista(
        p.x[None], p.D, p.penalty, H0=start[None], tol=0, max_iter=150, restart=False, trace=True
    )
    room = 1e-7 * (p.scale + p.F(start))
    for k, value in enumerate(run.trace[1:], start=1):
        assert value - p.F(best) <= fista_bound(k, p.L, distance2) + room


@claim("thm-fista")
def test_fista_converges_like_one_over_k_squared_with_its_constant():
    fista_obeys_its_theorem()
    for k in (10, 40, 160):  # the order and, within a factor, the constant are reached
        X, D, penalty, start = slow_problem(k, lambda k: 2 / (k + 1) ** 2)
        run = fista(X, D, penalty, H0=start, step=1.0, tol=0, max_iter=k, restart=False, trace=True)
        assert 0.3 * 2 / (k + 1) ** 2 <= run.trace[k] <= fista_bound(k, 1.0, 1.0)


@claim("thm-gap")
@given(seeds)
@many
def test_gap_and_violation_bound_the_error(seed):
    p = draw(seed)
    best = p.best()
    F_best = p.F(best)
    room = 1e-7 * p.scale
    stretched = 1.3 * best  # the first inequality is sharp here
    for h in (p.code(), best + 1e-3 * p.code(), torch.zeros_like(best), stretched):
        r = p.x - p.D @ h
        limit = p.penalty / float((p.D.T @ r).abs().max())
        gamma = min(max(float(r @ p.x / (r @ r)), 0.0), limit)
        u = gamma * r
        assert float((p.D.T @ u).abs().max()) <= p.penalty * (1 + 1e-9)
        gap = p.F(h) - (float(u @ p.x) - 0.5 * float(u @ u))
        library = float(duality_gap(p.x[None], p.D, h[None], p.penalty))
        assert library == pytest.approx(gap, rel=1e-7, abs=1e-9 * p.scale)
        error = p.F(h) - F_best
        assert 0.5 * float(((p.D @ (h - best)) ** 2).sum()) <= error + room
        assert error <= gap + room
        nu = float(optimality(p.x[None], p.D, h[None], p.penalty))
        assert nu == pytest.approx(p.violation(h), rel=1e-9, abs=1e-12)
        assert error <= nu * float((h - best).abs().sum()) + room
        assert error <= nu * float(h.abs().sum() + p.F(h) / p.penalty) + room
        # any feasible point is a lower bound, not only the scaled residual
        any_u = normal(p.g, len(p.x))
        any_u *= p.penalty / float((p.D.T @ any_u).abs().max())
        assert float(any_u @ p.x - 0.5 * any_u @ any_u) <= F_best + room
    assert float(duality_gap(p.x[None], p.D, best[None], p.penalty)) <= 1e-6 * p.scale
    # the other inequalities are sharp for one atom
    one = one_atom(x=1.0, penalty=0.5)  # its minimum, at 1 / 2, is 3 / 8
    gap = float(duality_gap(one.x[None], one.D, vector(0.0)[None], 0.5))
    assert one.F(vector(0.0)) - 0.375 == pytest.approx(gap, rel=1e-9)
    flat = nearly_flat(0.5)
    nu = float(optimality(vector(1e-12, 0.0)[None], flat.D, vector(1.0)[None], 0.5))
    assert flat.F(vector(1.0)) == pytest.approx(nu * 1.0, rel=1e-5)


@claim("prop-coordinate-descent")
@given(seeds)
@few
def test_coordinate_descent_descends_and_reaches_the_minimum(seed):
    p = draw(seed, coherent=False)
    h, length2 = p.code(), (p.D**2).sum(0)
    F_now = p.F(h)
    F_best = p.F(p.best())
    for _ in range(300):
        start = h.clone()
        for j in range(len(h)):
            z = float(p.D[:, j] @ (p.x - p.D @ h) + length2[j] * h[j])
            moved = h.clone()
            moved[j] = math.copysign(max(abs(z) - p.penalty, 0.0), z) / float(length2[j])
            F_after = p.F(moved)
            gain = 0.5 * float(length2[j]) * float(moved[j] - h[j]) ** 2
            assert F_after <= F_now - gain + 1e-10 * (p.scale + F_now)
            h, F_now = moved, F_after
        if float((h - start).abs().max()) <= 1e-12 * float(h.abs().max()):
            break
    assert F_now <= F_best + 1e-4 * p.scale
    library = coordinate_descent(p.x[None], p.D, p.penalty, tol=1e-9, max_iter=100_000)
    assert bool(library.converged[0])
    assert p.F(library.H[0]) == pytest.approx(F_best, rel=1e-7)


@claim("prop-lasso-path")
@given(seeds)
@many
def test_codes_move_on_a_line_as_the_penalty_changes(seed):
    p = draw(seed, coherent=False)
    best = p.best()
    J = best != 0
    assume(bool(J.any()))
    D_J, signs = p.D[:, J], best[J].sign()
    s = torch.linalg.svdvals(D_J)
    slack = p.penalty - p.slope(best).abs()[~J]
    assume(len(s) == int(J.sum()) and float(s[-1]) > 0.05 * float(s[0]))
    assume(len(slack) == 0 or float(slack.min()) > 1e-2 * p.penalty)
    size = float(best.abs().max())
    assume(float(best.abs()[J].min()) > 1e-2 * size)
    for share in (1 - 1e-4, 1.0, 1 + 1e-4):
        penalty = share * p.penalty
        on_line = torch.zeros_like(best)
        on_line[J] = torch.linalg.solve(D_J.T @ D_J, D_J.T @ p.x - penalty * signs)
        there = Problem(p.x, p.D, penalty, p.g)
        assert there.violation(on_line) <= 1e-9 * p.penalty
        assert torch.equal(on_line.sign(), best.sign())
        assert torch.allclose(there.best(), on_line, atol=1e-6 * size)


@claim("thm-one-step")
@given(seeds)
@many
def test_one_step_recovers_the_support_for_orthonormal_atoms(seed):
    g = torch.Generator().manual_seed(seed)
    d = int(torch.randint(2, 12, (), generator=g))
    m = int(torch.randint(2, d + 1, (), generator=g))
    D = torch.linalg.qr(normal(g, d, m)).Q
    tau = 10.0 ** float(normal(g, 1))
    penalty = tau / 2
    z = tau * (1 + 3 * torch.rand(m, generator=g, dtype=torch.float64))
    z[0] = tau  # the smallest allowed
    z *= torch.where(torch.rand(m, generator=g) < 0.5, 1.0, -1.0)
    z *= torch.rand(m, generator=g) < 0.5
    z[0], z[1] = math.copysign(tau, float(normal(g, 1))), 0.0  # one atom in use, one not
    # any direction; and the worst: against the smallest coefficient, and along a silent atom
    for direction in (normal(g, d), -z[0].sign() * D[:, 0], D[:, 1]):
        noise = tau / 4 * direction / direction.norm()
        x = D @ z + noise
        start = 10 * tau * normal(g, 1, m)
        one = ista(x[None], D, penalty, step=1.0, H0=start, tol=0, max_iter=1).H[0]
        assert torch.equal(one.sign(), z.sign())
        assert float((one - z).abs().max()) <= 0.75 * tau * (1 + 1e-9)
        assert Problem(x, D, tau / 2, g).violation(one) <= 1e-9 * tau
    # beyond twice the allowed noise an atom that is not used can be forced in
    forced = ista((D @ z + 2.1 * noise)[None], D, penalty, step=1.0, tol=0, max_iter=1).H[0]
    assert not torch.equal(forced.sign(), z.sign())


def most_atoms(M, m):
    """The largest s up to m with (2 s - 1) M < 1."""
    s = 1
    while s < m and (2 * (s + 1) - 1) * M < 1 - 1e-9:
        s += 1
    return s


def equal_angles(m, c):
    """(m, m), unit columns, the inner product of any two is -c, with (m - 1) c < 1."""
    gram = (1 + c) * torch.eye(m, dtype=torch.float64) - c
    return torch.linalg.cholesky(gram).T


def dictionaries(g):
    """Dictionaries with codes (n, m) that the condition allows, the sharp cases among them."""
    hadamard = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    waves = hadamard
    for _ in range(5):
        waves = torch.kron(waves, hadamard)
    d = int(torch.randint(6, 16, (), generator=g))
    m = int(torch.randint(2, d + 1, (), generator=g))
    near = 0.15 * float(torch.rand((), generator=g)) * normal(g, d, m) / math.sqrt(d)
    spikes_and_waves = torch.cat([torch.eye(64, dtype=torch.float64), waves / 8], 1)
    for D in (normalise_atoms(torch.linalg.qr(normal(g, d, m)).Q + near), spikes_and_waves):
        m = D.shape[1]
        if mutual_coherence(D) < 1:
            z = torch.zeros(m, dtype=torch.float64)
            place = torch.randperm(m, generator=g)[: most_atoms(mutual_coherence(D), m)]
            sign = torch.where(torch.rand(len(place), generator=g) < 0.5, 1.0, -1.0).double()
            z[place] = sign * (1 + torch.rand(len(place), generator=g, dtype=torch.float64))
            yield D, z
    # four unit vectors to the corners of a tetrahedron: (2 s - 1) M = 1 for s = 2
    tetrahedron = vector(1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1).view(4, 3).T / math.sqrt(3)
    # and three atoms for which the bound on the values is an equality
    for D in (tetrahedron, equal_angles(3, 0.19)):
        s = most_atoms(mutual_coherence(D), D.shape[1])
        z = torch.zeros(D.shape[1], dtype=torch.float64)
        z[:s] = 1.5
        yield D, z


@claim("thm-coherence")
@given(seeds)
@few
def test_few_incoherent_atoms_are_found_whatever_the_penalty(seed):
    g = torch.Generator().manual_seed(seed)
    for D, z in dictionaries(g):
        M, s = mutual_coherence(D), int((z != 0).sum())
        x = D @ z
        for share in (0.5, 1.5):
            penalty = share * (1 - (s - 1) * M)
            bound = penalty / (1 - (s - 1) * M)
            p = Problem(x, D, penalty, g)
            h = p.best()
            assert bool((h[z == 0] == 0).all())
            assert float((h - z).abs().max()) <= bound * (1 + 1e-9)
            assert bool((p.slope(h).abs()[z == 0] < penalty * (1 - 1e-9)).all())
            if bound < 1:  # every coefficient is larger
                assert torch.equal(h.sign(), z.sign())


@claim("thm-omp")
@given(seeds)
@few
def test_a_greedy_step_gains_its_correlation_and_finds_incoherent_atoms(seed):
    p = draw(seed)
    D = normalise_atoms(p.D)
    r, gains = p.x, []
    for k in range(1, min(D.shape) + 1):  # (a), against the library's codes of k atoms
        after = p.x - D @ omp(p.x[None], D, n_nonzero=k)[0]
        promised = float((D.T @ r).abs().max()) ** 2
        gains.append((float(r @ r - after @ after), promised))
        assert gains[-1][0] >= promised - 1e-9 * p.scale
        r = after
    assert gains[0][0] == pytest.approx(gains[0][1], rel=1e-9)  # sharp in the first step
    for D, z in dictionaries(p.g):  # (b)
        s, x = int((z != 0).sum()), D @ z
        taken = [omp(x[None], D, n_nonzero=k)[0] for k in range(1, s + 1)]
        for k, h in enumerate(taken, start=1):
            assert int((h != 0).sum()) == k
            assert bool((h[z == 0] == 0).all())
        assert torch.allclose(taken[-1], z, atol=1e-9)
        # the condition: the largest correlation of a wrong atom is smaller, strictly
        correlation = (D.T @ x).abs()
        if bool((z == 0).any()):
            rival = float(correlation[z == 0].max())
            assert rival < float(correlation[z != 0].max()) * (1 - 1e-9)
