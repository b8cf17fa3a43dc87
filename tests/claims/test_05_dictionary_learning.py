"""The claims of chapter 05, one test each.

A theorem that speaks of every data set is tested on data sets drawn by hypothesis: shapes, scales,
dictionaries, codes and penalties vary. Everything is float64; tolerances are relative to the scale
of the data. The last two are measurements with the criterion that the chapter states.
"""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_images

from replearn.data import extract_patches
from replearn.dictionary import (
    DictionaryLearning,
    alternating_step,
    match_atoms,
    normalise_atoms,
)
from replearn.dictionary.gabor import fit_gabor
from replearn.images import PatchWhitener, remove_mean
from replearn.pca import PCA
from replearn.sparse import ista, lasso_objective, optimality, sparse_codes

TOLERANCE = 1e-9

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)


def normal(*shape, g):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def draw(seed: int):
    """Data (n, d), unit dictionary (d, m), codes (n, m) with zeros, and a penalty.

    The dictionary may be under- or overcomplete; the codes need not be optimal, nor good.
    """
    g = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=g))

    n, d, m = whole(1, 12), whole(1, 6), whole(1, 9)
    scale = 10.0 ** whole(-2, 2)
    X = scale * normal(n, d, g=g)
    D = normalise_atoms(normal(d, m, g=g))
    H = scale * normal(n, m, g=g) * (torch.rand(n, m, generator=g) < 0.6)
    H[0, 0] = scale  # not all zero
    penalty = scale * float(0.05 + torch.rand((), generator=g))
    return X, D, H, penalty, g


def total(X, D, H, penalty):
    return float(lasso_objective(X, D, H, penalty).mean())


def smooth(X, D, H):
    return ((X - H @ D.T) ** 2).sum() / (2 * len(X))


def largest_eigenvalue(H):
    return float(torch.linalg.eigvalsh(H.T @ H / len(H))[-1])


def optimal_codes(X, D, penalty):
    codes = sparse_codes(X, D, penalty, tol=1e-13, max_iter=200_000).H
    scale = float(X.abs().max())
    assert optimality(X, D, codes, penalty).max() < 1e-5 * scale  # else nothing below is tested
    return codes


@claim("lem-dict-gradient")
@given(seeds)
@many
def test_gradient_is_minus_residual_times_codes_and_curvature_is_that_of_the_codes(seed):
    X, D, H, _, g = draw(seed)
    A, B = H.T @ H / len(X), X.T @ H / len(X)
    stated = -(X - H @ D.T).T @ H / len(X)
    size = float(stated.abs().max()) + float((D @ A).abs().max()) + float(B.abs().max())
    leaf = D.clone().requires_grad_()
    (automatic,) = torch.autograd.grad(smooth(X, leaf, H), leaf)
    assert torch.allclose(stated, automatic, atol=TOLERANCE * size)
    assert torch.allclose(stated, D @ A - B, atol=TOLERANCE * size)
    delta = normal(*D.shape, g=g)
    exact = smooth(X, D, H) + (stated * delta).sum() + torch.trace(delta @ A @ delta.T) / 2
    bound = smooth(X, D, H) + (stated * delta).sum()
    bound += largest_eigenvalue(H) / 2 * (delta**2).sum()
    value = float(smooth(X, D + delta, H))
    assert value == pytest.approx(float(exact), rel=1e-8, abs=TOLERANCE * size)
    assert value <= float(bound) + TOLERANCE * abs(float(bound))


WHATEVER = 1.0  # the longest step that no codes make harmful, in units of 1 / L_A


@given(seeds, st.floats(0.01, 1.0))
@many
def the_lectures_step_never_increases_the_objective_whatever_the_codes(seed, share):
    X, D, H, penalty, _ = draw(seed)
    step = WHATEVER * share / largest_eigenvalue(H)
    before = total(X, D, H, penalty)
    moved = alternating_step(X, D, H, step=step)
    lengths = moved.norm(dim=0)
    assert torch.allclose(lengths, torch.ones_like(lengths))
    assert total(X, moved, H, penalty) <= before * (1 + TOLERANCE)
    by_hand = D + step * (X - H @ D.T).T @ H / len(X)
    assert torch.allclose(moved, by_hand / by_hand.norm(dim=0), atol=1e-9)


@given(seeds)
@many
def a_whole_alternation_never_increases_the_objective(seed):
    X, D, H, penalty, g = draw(seed)
    values = [total(X, D, H, penalty)]
    for _ in range(4):
        H = ista(X, D, penalty, H0=H, max_iter=3, tol=0.0).H
        values.append(total(X, D, H, penalty))
        if not bool(H.any()):
            return
        D = alternating_step(X, D, H)
        values.append(total(X, D, H, penalty))
        j = int(torch.randint(D.shape[1], (), generator=g))
        if float(H[:, j].abs().max()) > 0:
            v = (X - H @ D.T).T @ H[:, j] + D[:, j] * (H[:, j] ** 2).sum()
            D = D.clone()
            D[:, j] = v / v.norm()
            values.append(total(X, D, H, penalty))
    assert all(b <= a * (1 + TOLERANCE) for a, b in pairwise(values))


@given(seeds)
@settings(max_examples=10, deadline=None)
def the_librarys_alternation_never_increases_the_objective(seed):
    g = torch.Generator().manual_seed(seed)
    X = normal(40, 5, g=g)
    learner = DictionaryLearning(
        8, 0.3, method="alternating", max_iter=8, tol=0.0, random_state=seed
    )
    values = learner.fit(X).objective_
    assert len(values) > 1
    assert all(b <= a * (1 + TOLERANCE) for a, b in pairwise(values))


@claim("thm-dict-descent")
def test_the_alternation_never_increases_the_objective():
    the_lectures_step_never_increases_the_objective_whatever_the_codes()
    a_whole_alternation_never_increases_the_objective()
    the_librarys_alternation_never_increases_the_objective()
    # and the bound on the step is needed: a stale code, A = 1, that sends the atom past zero
    x, d, h = torch.tensor([[0.001, 0.0]]), torch.tensor([[1.0], [0.0]]), torch.ones(1, 1)
    assert smooth(x, alternating_step(x, d, h, step=WHATEVER), h) <= smooth(x, d, h)
    assert smooth(x, alternating_step(x, d, h, step=1.01 * WHATEVER), h) > smooth(x, d, h)


LONGEST = 2.0  # of a dictionary step with optimal codes, in units of 1 / L_A


@given(seeds, st.floats(0.01, 2.0))
@settings(max_examples=25, deadline=None)
def with_optimal_codes_atoms_grow_and_longer_steps_do_no_harm(seed, share):
    X, D, _, penalty, _ = draw(seed)
    H = optimal_codes(X, D, penalty)
    gradient = -(X - H @ D.T).T @ H / len(X)
    growth = -(D * gradient).sum(0)
    scale = float(X.abs().max()) ** 2
    assert torch.allclose(growth, penalty * H.abs().mean(0), atol=1e-4 * scale)
    if not bool(H.any()):
        return
    step = LONGEST / 2 * share / largest_eigenvalue(H)
    lengths = (D - step * gradient).norm(dim=0)
    slack = step * 1e-4 * scale  # what the codes lack of being optimal, in units of lengths
    assert bool((lengths >= 1 - slack).all())
    moved = alternating_step(X, D, H, step=step)
    assert total(X, moved, H, penalty) <= total(X, D, H, penalty) * (1 + 1e-7)


@given(seeds)
@settings(max_examples=25, deadline=None)
def with_optimal_codes_atoms_of_any_length_grow(seed):
    X, D, _, penalty, g = draw(seed)
    D = D * (0.5 + 1.5 * torch.rand(D.shape[1], generator=g, dtype=torch.float64))
    H = optimal_codes(X, D, penalty)
    gradient = -(X - H @ D.T).T @ H / len(X)
    scale = float(X.abs().max()) ** 2
    assert torch.allclose(-(D * gradient).sum(0), penalty * H.abs().mean(0), atol=1e-3 * scale)
    step = float(torch.rand((), generator=g)) / max(largest_eigenvalue(H), 1e-6 * scale)
    grown = (D - step * gradient).norm(dim=0) ** 2 - D.norm(dim=0) ** 2
    assert bool((grown >= -step * 1e-3 * scale).all())
    used = penalty * H.abs().mean(0) > 1e-2 * scale
    assert bool((grown[used] > 0).all())


@claim("lem-dict-growth")
def test_with_optimal_codes_atoms_grow_and_steps_may_be_twice_as_long():
    with_optimal_codes_atoms_grow_and_longer_steps_do_no_harm()
    with_optimal_codes_atoms_of_any_length_grow()
    # an atom of length 2 by hand: x = 3, penalty 1, so h = 5/4 and the residual 1/2
    x, d = torch.tensor([[3.0]], dtype=torch.float64), torch.tensor([[2.0]], dtype=torch.float64)
    (code,) = optimal_codes(x, d, 1.0)
    uphill = code * (x - code * d)
    assert float(code) == pytest.approx(5 / 4)
    assert float(d * uphill) == pytest.approx(1.0 * float(code))
    # the case that is tight: x = (1, beta), d = e_1, an optimal code, penalty and beta small
    penalty, beta = 1e-4, 1e-3
    x = torch.tensor([[1.0, beta]], dtype=torch.float64)
    d = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    h = torch.full((1, 1), 1 - penalty, dtype=torch.float64)
    assert optimality(x, d, h, penalty).max() < 1e-12
    before = smooth(x, d, h)

    def change(length):
        return float(smooth(x, alternating_step(x, d, h, step=length / h.item() ** 2), h) - before)

    assert change(0.5 * LONGEST) < 0
    assert change(LONGEST) <= 0
    assert change(1.001 * LONGEST) > 0


@claim("prop-dict-atom")
@given(seeds)
@many
def test_the_update_of_one_atom_is_its_exact_minimum(seed):
    X, D, H, penalty, g = draw(seed)
    A, B = H.T @ H / len(X), X.T @ H / len(X)
    j = 0  # used: its first code is not zero
    v = B[:, j] - D @ A[:, j] + A[j, j] * D[:, j]

    def with_atom(z):
        E = D.clone()
        E[:, j] = z
        return total(X, E, H, penalty)

    in_ball = with_atom(v / max(float(A[j, j]), float(v.norm())))
    on_sphere = with_atom(v / v.norm())
    slack = TOLERANCE * (on_sphere + with_atom(-v / v.norm()))
    assert in_ball <= on_sphere + slack
    for _ in range(10):
        z = normal(len(v), g=g)
        z = z / z.norm()
        assert on_sphere <= with_atom(z) + slack
        assert in_ball <= with_atom(z * float(torch.rand((), generator=g))) + slack
    nudge = normalise_atoms((v / v.norm() + 0.1 * normal(len(v), g=g))[:, None])[:, 0]
    if float((nudge - v / v.norm()).norm()) > 1e-3:
        assert with_atom(nudge) > on_sphere  # and nowhere else
    # against a solver that knows nothing of the formula: projected gradient on the ball
    z = D[:, j].clone()
    for _ in range(200):
        z = z - (A[j, j] * z - v) / (2 * A[j, j])
        z = z / max(1.0, float(z.norm()))
    assert torch.allclose(z, v / max(float(A[j, j]), float(v.norm())), atol=1e-6)


@claim("prop-dict-rescale")
@given(seeds, st.floats(1.5, 50.0))
@settings(max_examples=25, deadline=None)
def test_without_unit_columns_there_is_no_minimum(seed, c):
    X, D, H, penalty, _ = draw(seed)
    error, l1 = float(smooth(X, D, H)), float(H.abs().sum(1).mean())
    assert total(X, c * D, H / c, penalty) == pytest.approx(error + penalty * l1 / c, rel=1e-9)
    assert total(X, c * D, H / c, penalty) < total(X, D, H, penalty)
    # (b) the infimum is the error of the best matrix of rank m, and every pair pays more
    m = D.shape[1]
    U, s, Vt = torch.linalg.svd(X, full_matrices=False)
    floor = float((s[m:] ** 2).sum()) / (2 * len(X))
    keep = min(m, len(s))
    D_best, H_best = torch.zeros_like(D), torch.zeros_like(H)
    D_best[:, :keep], H_best[:, :keep] = Vt[:keep].T, U[:, :keep] * s[:keep]
    power = float((X**2).sum()) / (2 * len(X))
    far = total(X, 1e9 * D_best, H_best / 1e9, penalty)
    assert floor < far <= floor + 1e-6 * power
    assert total(X, D, H, penalty) > floor
    assert power > floor  # what codes of zero would pay, the only ones without a penalty
    # (c) longer atoms are a smaller penalty
    longer = optimal_codes(X, c * D, penalty)
    smaller = optimal_codes(X, D, penalty / c)
    value = total(X, D, c * longer, penalty / c)
    assert value == pytest.approx(total(X, D, smaller, penalty / c), rel=1e-8)
    # (d) a used atom that is shorter than 1
    short = D.clone()
    short[:, 0] /= c
    mended = H.clone()
    mended[:, 0] /= c
    assert total(X, D, mended, penalty) < total(X, short, H, penalty)


def nonzero_share(D, sigma, penalty, seed, draws=20_000):
    """Share of samples of pure noise for which zero is not the optimal code, by (a)."""
    x = sigma * normal(draws, len(D), g=torch.Generator().manual_seed(seed))
    return float(((x @ D).abs().amax(1) > penalty).float().mean())


def noise_seldom_buys_an_atom():
    for m in (2, 20, 200):  # orthonormal atoms: independent correlations, the hardest case
        for sigma, D in (
            (0.1, torch.eye(m)),
            (3.0, normal(max(2, m // 2), m, g=torch.Generator())),
        ):
            D = normalise_atoms(D.double())
            allowed = 1 / math.sqrt(math.pi * math.log(m))
            penalty = sigma * math.sqrt(2 * math.log(m))
            assert nonzero_share(D, sigma, penalty, seed=m) <= allowed + 0.01
    assert nonzero_share(torch.eye(200).double(), 1.0, penalty=2.0, seed=0) > 0.99


@given(seeds, st.floats(0.01, 100.0))
@settings(max_examples=25, deadline=None)
def the_penalty_scales_with_the_data(seed, s):
    X, D, _, penalty, _ = draw(seed)
    border = float((X @ D).abs().max())
    zero = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    assert not bool(optimal_codes(X, D, 1.0001 * border).any())
    assert optimality(X, D, zero, border).max() <= TOLERANCE * border
    assert bool(optimal_codes(X, D, 0.99 * border).any())
    longest = X.norm(dim=1).argmax()
    length = float(X[longest].norm())
    assert not bool(optimal_codes(X, D, 1.0001 * length).any())  # whatever the dictionary
    better = D.clone()
    better[:, 0] = X[longest] / length
    codes = optimal_codes(X, better, 0.9 * length)
    assert total(X, better, codes, 0.9 * length) < float((X**2).sum()) / (2 * len(X))
    H = optimal_codes(X, D, penalty)
    assert optimality(s * X, D, s * H, s * penalty).max() <= 1e-5 * s * float(X.abs().max())
    scaled = total(s * X, D, s * H, s * penalty)
    assert scaled == pytest.approx(s**2 * total(X, D, H, penalty), rel=1e-9)


@claim("prop-dict-penalty")
def test_the_penalty_has_the_units_of_the_data():
    the_penalty_scales_with_the_data()
    noise_seldom_buys_an_atom()


@claim("prop-dict-symmetry")
@given(seeds)
@many
def test_sign_and_order_and_nothing_else_are_free(seed):
    X, D, H, penalty, g = draw(seed)
    m = D.shape[1]
    P = torch.eye(m, dtype=X.dtype)[torch.randperm(m, generator=g)]
    S = torch.diag(2.0 * torch.randint(0, 2, (m,), generator=g).double() - 1)
    Q = P @ S
    assert torch.allclose((D @ Q).norm(dim=0), torch.ones(m, dtype=X.dtype))
    free = total(X, D @ Q, H @ Q, penalty)
    assert free == pytest.approx(total(X, D, H, penalty), rel=1e-9)
    # a map that keeps the l1 norm of every code is of this form: others fail on some code
    h = torch.cat([torch.eye(m, dtype=X.dtype), normal(20, m, g=g)])
    rotation, skew = torch.linalg.qr(normal(m, m, g=g)).Q, torch.eye(m) + 0.3 * normal(m, m, g=g)
    for T in (Q, rotation, skew):
        corners = T.abs().sort(0).values
        signed_permutation = bool((corners[-1] - 1).abs().max() < 1e-9)
        signed_permutation &= bool(corners[:-1].abs().max() < 1e-9) if m > 1 else True
        products = (h @ torch.linalg.inv(T).T) @ (D @ T).T
        assert torch.allclose(products, h @ D.T, atol=1e-6)
        new = h @ torch.linalg.inv(T).T
        kept = torch.allclose(new.abs().sum(1), h.abs().sum(1), atol=1e-9)
        assert kept == signed_permutation


@claim("prop-dict-online")
@given(seeds, st.floats(0.0, 3.0))
@settings(max_examples=20, deadline=None)
def test_the_surrogate_lies_above_and_fits_into_two_small_matrices(seed, rho):
    X, D, _, penalty, g = draw(seed)
    n = len(X)
    A = torch.zeros(D.shape[1], D.shape[1], dtype=X.dtype)
    B = torch.zeros_like(D)
    old, H, mass = [], [], 0.0
    for t in range(1, n + 1):  # each sample gets its code with the dictionary of its time
        old.append(D)
        h = optimal_codes(X[t - 1 : t], D, penalty)
        H.append(h[0])
        mass += t**rho
        share = t**rho / mass
        A = (1 - share) * A + share * h.T @ h
        B = (1 - share) * B + share * X[t - 1 : t].T @ h
        D = normalise_atoms(D + 0.2 * normal(*D.shape, g=g))
    H = torch.stack(H)
    w = torch.arange(1, n + 1, dtype=torch.float64) ** rho
    w = w / w.sum()

    def surrogate(Z):
        return float(w @ lasso_objective(X, Z, H, penalty))

    def from_matrices(Z):
        return float(torch.trace(Z @ A @ Z.T) / 2 - torch.trace(B.T @ Z))

    others = [normalise_atoms(normal(*D.shape, g=g)) for _ in range(3)] + [D]
    scale = surrogate(D) + float((X**2).sum())
    for Z in others:
        best = lasso_objective(X, Z, optimal_codes(X, Z, penalty), penalty)
        assert surrogate(Z) >= float(w @ best) - TOLERANCE * scale
        gap = (surrogate(Z) - surrogate(others[0])) - (from_matrices(Z) - from_matrices(others[0]))
        assert abs(gap) <= TOLERANCE * scale
    for i, Z in enumerate(old):  # the i-th term touches at the dictionary of its time
        own = float(lasso_objective(X[i : i + 1], Z, H[i : i + 1], penalty))
        best = float(
            lasso_objective(X[i : i + 1], Z, optimal_codes(X[i : i + 1], Z, penalty), penalty)
        )
        assert own == pytest.approx(best, rel=1e-8)


def planted(seed: int, nonzeros: int, n: int):
    """Samples of a random dictionary (20, 30), as the observation describes them."""
    g = torch.Generator().manual_seed(seed)
    D = normalise_atoms(torch.randn(20, 30, generator=g))
    support = torch.rand(n, 30, generator=g).argsort(1)[:, :nonzeros]
    size = 0.5 + torch.rand(n, nonzeros, generator=g)
    sign = 2.0 * torch.randint(0, 2, (n, nonzeros), generator=g) - 1
    H = torch.zeros(n, 30).scatter(1, support, size * sign)
    return H @ D.T + 0.02 * torch.randn(n, 20, generator=g), D


def share_found(seed: int, nonzeros: int) -> float:
    X, D = planted(seed, nonzeros, 3000)
    learner = DictionaryLearning(
        36, 0.2, epochs=20, batch_size=250, forgetting=2.0, random_state=seed
    ).fit(X)
    match = match_atoms(learner.dictionary_, D)
    # the matching itself: reordered and signed, the learned atoms are the planted ones
    aligned = learner.dictionary_[:, match.permutation] * match.sign
    close = (aligned - D).norm(dim=0) < 0.2005  # a cosine above 0.98
    assert bool((close == (match.similarity > 0.98)).all())
    return float(close.float().mean())


@claim("prop-dict-recovered")
def test_a_planted_dictionary_is_recovered_up_to_sign_and_order():
    found = [share_found(seed, 3) for seed in range(3)]
    assert min(found) >= 0.9, found
    assert share_found(0, 8) <= 0.1


SIZE = 12  # of a patch


def scramble(image, rng):
    """The same moduli of the Fourier transform, with the phases of white noise."""
    phases = torch.fft.rfft2(torch.randn(image.shape, generator=rng))
    waves = torch.fft.rfft2(image).abs() * phases / phases.abs()
    return torch.fft.irfft2(waves, s=image.shape)


def filters_of(images):
    """Filters learned from whitened patches, with patches raw and whitened, seen in pixels."""
    P, _ = remove_mean(extract_patches(images, SIZE, 40_000, seed=7))
    length = P.norm(dim=1, keepdim=True)
    P = (P / length)[length[:, 0] > 0.05 * SIZE]
    whitener = PatchWhitener(epsilon=1e-2).fit(P)
    Z = whitener.transform(P)
    Z = Z / Z.norm(dim=1, keepdim=True)
    learner = DictionaryLearning(
        144, 0.15, batch_size=250, epochs=3, forgetting=2.0, random_state=7
    ).fit(Z)
    return learner.components_ @ whitener.whitening_, P, Z[:144] @ whitener.whitening_


def covered(W):
    return float((W.square().sum(1) ** 2 / W.pow(4).sum(1)).median()) / SIZE**2


@claim("prop-dict-gabor")
def test_atoms_of_photographs_are_localised_oriented_and_bandpass():
    images = [
        torch.from_numpy(image @ [0.299, 0.587, 0.114] / 255).float()
        for image in load_sample_images().images
    ]
    rng = torch.Generator().manual_seed(7)
    learned, P, patches = filters_of(images)
    edgeless, _, _ = filters_of([scramble(image, rng) for image in images])
    principal = PCA(143).fit(P).components_
    fit, control, pca, raw = (fit_gabor(W, SIZE) for W in (learned, edgeless, principal, patches))
    good = fit.r2 > 0.7
    assert float(good.float().mean()) >= 0.75
    assert float((control.r2 > 0.7).float().mean()) < 0.2
    for other in (control, pca, raw):
        assert fit.r2.median() >= other.r2.median() + 0.2
    assert covered(learned) < covered(principal) / 2
    assert covered(learned) < covered(edgeless) / 2
    sectors = torch.histc(fit.theta[good], bins=6, min=0, max=math.pi)
    assert bool((sectors > 0).all())
    extreme = (fit.frequency >= 0.45) | (fit.bandwidth < 0.5) | fit.bandwidth.isinf()
    assert 0.5 < float(fit.bandwidth[good & ~extreme].median()) < 2.5
