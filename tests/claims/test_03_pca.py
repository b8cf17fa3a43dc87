"""The theorems and propositions of chapter 03, one test each.

A theorem that speaks of every data set is tested on data sets drawn by hypothesis: shapes, spectra,
scales and means vary. Everything is float64; tolerances are relative to the scale of the data.
"""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from replearn.linear_autoencoder import factorise
from replearn.logistic import LogisticPCA
from replearn.metrics import principal_angles
from replearn.pca import PCA

TOLERANCE = 1e-9

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)


def draw(seed: int, *, singular: bool = False):
    """Data (n, d) of random shape, mean, scale and spectrum, and a code size m < d.

    The eigenvalues of the covariance fall by a random factor from one to the next, so that all
    gaps are open. With ``singular`` the last one is zero, or there are fewer samples than
    dimensions.
    """
    g = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=g))

    d = whole(3, 8)
    m = whole(1, d - 1)
    n = whole(m + 2, 30) if singular else whole(d + 2, 30)
    rank = min(n - 1, d - 1) if singular else d
    raw = torch.randn(n, rank, generator=g, dtype=torch.float64)
    U = torch.linalg.qr(raw - raw.mean(0)).Q
    V = torch.linalg.qr(torch.randn(d, d, generator=g, dtype=torch.float64)).Q[:, :rank]
    ratio = 1.5 + 1.5 * float(torch.rand((), generator=g))
    s = ratio ** (-torch.arange(rank, dtype=torch.float64) / 2)
    scale = 10.0 ** whole(-2, 2)
    offset = 3 * torch.randn(d, generator=g, dtype=torch.float64)
    return scale * (n**0.5 * U * s @ V.T + offset), m, g


def centred(X):
    return X - X.mean(0)


def covariance(X):
    Xc = centred(X)
    return Xc.T @ Xc / len(X)


def spectrum(X):
    """Eigenvalues in decreasing order (d,) and eigenvectors as columns (d, d)."""
    values, vectors = torch.linalg.eigh(covariance(X))
    return values.flip(0), vectors.flip(1)


def mean_square(A):
    return (A**2).sum(1).mean()


def random_map(d, m, g):
    """A product D W of rank at most m, with its factors."""
    W = torch.randn(m, d, generator=g, dtype=torch.float64)
    D = torch.randn(d, m, generator=g, dtype=torch.float64) / d
    return W, D


def untied_error(W, D, C):
    R = torch.eye(len(C), dtype=C.dtype) - D @ W
    return torch.trace(R @ C @ R.T)


def tied_error(W, C):
    return untied_error(W, W.T, C)


def gradient(f, *arguments):
    arguments = tuple(a.clone().requires_grad_() for a in arguments)
    return torch.autograd.grad(f(*arguments), arguments)


@claim("thm-mean")
@given(seeds)
@many
def test_the_best_offset_is_the_mean(seed):
    X, m, g = draw(seed)
    W, D = random_map(X.shape[1], m, g)
    P, mu = D @ W, X.mean(0)
    best = mu - P @ mu

    def error(e):
        return mean_square(X - X @ P.T - e)

    scale = mean_square(X)
    nudge = torch.randn(len(mu), generator=g, dtype=torch.float64) * scale.sqrt()
    assert error(best) < error(best + nudge)
    # the loss exceeds its minimum by exactly the squared length of the nudge
    assert error(best + nudge) - error(best) == pytest.approx(float(nudge @ nudge), rel=1e-8)
    reconstruction = mu + (X - mu) @ P.T
    assert torch.allclose(X @ P.T + best, reconstruction, atol=float(TOLERANCE * scale.sqrt() * 10))


@claim("lem-pythagoras")
@given(seeds)
@many
def test_variance_kept_and_error_add_up(seed):
    X, m, g = draw(seed, singular=seed % 2 == 0)
    Q = torch.linalg.qr(torch.randn(X.shape[1], m, generator=g, dtype=torch.float64)).Q
    Xc, C = centred(X), covariance(X)
    error = mean_square(Xc - Xc @ Q @ Q.T)
    kept = torch.trace(Q.T @ C @ Q)
    assert float(error + kept) == pytest.approx(float(torch.trace(C)), rel=TOLERANCE)


@claim("thm-eckart-young")
@given(seeds)
@many
def test_error_is_the_sum_of_the_discarded_eigenvalues(seed):
    X, m, g = draw(seed, singular=seed % 2 == 0)
    values, V = spectrum(X)
    floor, total = float(values[m:].sum()), float(values.sum())
    pca = PCA(m, svd_solver="full").fit(X)
    pca_error = mean_square(X - pca.inverse_transform(pca.transform(X)))
    assert float(pca_error) == pytest.approx(floor, rel=1e-8, abs=TOLERANCE * total)
    Xc, C = centred(X), covariance(X)
    rank = m
    for best_of_rank in (V[:, :rank], V[:, : rank - 1]):  # the tight case first
        assert mean_square(Xc - Xc @ best_of_rank @ best_of_rank.T) >= floor - TOLERANCE * total
    for _ in range(5):  # any other map of rank m does no better, however well it is tuned
        W, D = random_map(X.shape[1], rank, g)
        W, D = W[: rank - seed % 2], D[:, : rank - seed % 2]  # of lower rank every other time
        assert mean_square(Xc - Xc @ W.T @ D.T) >= floor - TOLERANCE * total
        D = C @ W.T @ torch.linalg.pinv(W @ C @ W.T)
        assert mean_square(Xc - Xc @ W.T @ D.T) > floor - TOLERANCE * total
    # where no data vary the map is free: equality asks for the same reconstructions, not for P
    null = V[:, values <= 1e-12 * values[0]]
    free = torch.randn(X.shape[1], null.shape[1], generator=g, dtype=torch.float64) @ null.T
    P = V[:, :m] @ V[:, :m].T @ (torch.eye(X.shape[1], dtype=X.dtype) + free)
    assert float(mean_square(Xc - Xc @ P.T)) == pytest.approx(floor, abs=1e-8 * total)
    # near equality forces the reconstruction of PCA: a slightly turned subspace pays for it
    turned = V[:, :m].clone()
    turned[:, m - 1] = math.cos(0.1) * V[:, m - 1] + math.sin(0.1) * V[:, m]
    paid = mean_square(Xc - Xc @ turned @ turned.T) - floor
    expected = math.sin(0.1) ** 2 * (values[m - 1] - values[m])
    assert float(paid) == pytest.approx(float(expected), rel=1e-6)
    # without a gap other reconstructions attain the floor: any line through a square's corners
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=X.dtype)
    line = torch.tensor([[0.6], [0.8]], dtype=X.dtype)
    first = torch.tensor([[1.0], [0.0]], dtype=X.dtype)
    lines = [square @ q @ q.T for q in (line, first)]
    assert [float(mean_square(square - r)) for r in lines] == pytest.approx([1.0, 1.0])
    assert not torch.allclose(*lines)


@claim("prop-whitening")
@given(seeds)
@many
def test_codes_are_uncorrelated_and_whitened_codes_have_unit_covariance(seed):
    X, m, _ = draw(seed)
    values, V = spectrum(X)
    H = centred(X) @ V[:, :m]
    n = len(X)
    assert torch.allclose(H.T @ H / n, torch.diag(values[:m]), atol=float(TOLERANCE * values[0]))
    white = H / values[:m].sqrt()
    assert torch.allclose(white.T @ white / n, torch.eye(m, dtype=X.dtype), atol=1e-8)
    # the library whitens to unit variance with n - 1, as scikit-learn does
    library = PCA(m, whiten=True).fit_transform(X)
    assert torch.allclose(library.T @ library / (n - 1), torch.eye(m, dtype=X.dtype), atol=1e-6)


@given(seeds)
@many
def rotated_orthonormal_bases_are_the_tied_minima(seed):
    X, m, g = draw(seed, singular=seed % 2 == 0)
    values, V = spectrum(X)
    C = covariance(X) / values[0]
    floor = float(values[m:].sum() / values[0])
    R = torch.linalg.qr(torch.randn(m, m, generator=g, dtype=torch.float64)).Q
    W = R @ V[:, :m].T
    assert float(tied_error(W, C)) == pytest.approx(floor, abs=TOLERANCE)
    (slope,) = gradient(lambda W: tied_error(W, C), W)
    assert slope.abs().max() < 1e-8
    # not of that form: skewed, or another subspace
    skew = W + 0.1 * torch.randn(m, X.shape[1], generator=g, dtype=torch.float64)
    assert tied_error(skew, C) > floor
    assert tied_error(1.05 * W, C) > floor


def minimise(f, *start):
    """A minimum of f found by L-BFGS from a random start; f of several matrices."""
    free = [a.clone().requires_grad_() for a in start]
    optimizer = torch.optim.LBFGS(
        free, max_iter=4000, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        value = f(*free)
        value.backward()
        return value

    optimizer.step(closure)
    return [a.detach() for a in free]


@given(seeds)
@settings(max_examples=15, deadline=None)
def minima_found_from_random_starts_are_rotated_orthonormal_bases(seed):
    X, m, g = draw(seed, singular=seed % 2 == 0)
    values, V = spectrum(X)
    C = covariance(X) / values[0]
    start = 0.3 * torch.randn(m, len(V), generator=g, dtype=torch.float64)
    (W,) = minimise(lambda W: tied_error(W, C), start)
    assert float(tied_error(W, C)) == pytest.approx(float(values[m:].sum() / values[0]), abs=1e-9)
    R = W @ V[:, :m]
    assert torch.allclose(W, R @ V[:, :m].T, atol=1e-3)
    assert torch.allclose(R @ R.T, torch.eye(m, dtype=R.dtype), atol=1e-3)


@claim("thm-tied")
def test_tied_minima_are_orthonormal_bases_in_any_rotation():
    rotated_orthonormal_bases_are_the_tied_minima()
    minima_found_from_random_starts_are_rotated_orthonormal_bases()


@claim("thm-decoder")
@given(seeds)
@many
def test_the_best_decoder_is_a_regression_and_the_transpose_at_the_optimum(seed):
    X, m, g = draw(seed)
    values, V = spectrum(X)
    C = covariance(X) / values[0]
    W, _ = random_map(X.shape[1], m, g)
    D = C @ W.T @ torch.linalg.inv(W @ C @ W.T)
    best = untied_error(W, D, C)
    slope = gradient(lambda D: untied_error(W, D, C), D)[0]
    assert slope.abs().max() < 1e-6
    nudge = 0.1 * torch.randn(D.shape, generator=g, dtype=D.dtype)
    assert untied_error(W, D + nudge, C) > best
    H = centred(X) @ W.T  # the same as regressing the data on the codes
    regression = torch.linalg.lstsq(H, centred(X)).solution.T
    assert torch.allclose(D, regression, atol=1e-6, rtol=1e-6)
    chosen = torch.randperm(len(V), generator=g)[:m]  # C maps any such span into itself
    R = torch.linalg.qr(torch.randn(m, m, generator=g, dtype=torch.float64)).Q
    W = R @ V[:, chosen].T
    assert torch.allclose(C @ W.T @ torch.linalg.inv(W @ C @ W.T), W.T, atol=1e-8)


@claim("thm-untied")
@given(seeds)
@many
def test_untied_and_factorised_minima_share_the_subspace_and_nothing_else(seed):
    X, m, g = draw(seed)
    values, V = spectrum(X)
    V_m, Xc = V[:, :m], centred(X)
    floor = float(values[m:].sum())
    # a random invertible A, kept away from singular ones so that its inverse is accurate
    Q, R = torch.linalg.qr(torch.randn(m, m, generator=g, dtype=torch.float64))
    A = Q @ (torch.triu(R, 1) / 2 + torch.diag(0.5 + torch.rand(m, generator=g).double()))
    D, W = V_m @ A, torch.linalg.inv(A) @ V_m.T
    assert float(mean_square(Xc - Xc @ W.T @ D.T)) == pytest.approx(floor, rel=1e-6)
    H = Xc @ V_m @ torch.linalg.inv(A).T
    assert float(mean_square(Xc - H @ D.T)) == pytest.approx(floor, rel=1e-6)
    # the other direction: what alternating least squares finds has this form
    found = factorise(X, m, iterations=400, tol=0.0, seed=seed % 1000)
    assert found.errors[-1] == pytest.approx(floor, rel=1e-6)
    assert principal_angles(found.D, V_m).max() < 1e-3
    A = V_m.T @ found.D
    expected = Xc @ V_m @ torch.linalg.inv(A).T
    assert torch.allclose(found.H, expected, atol=float(1e-3 * expected.abs().max()))
    # and what the best encoder and the best decoder, taken in turn, settle on
    W, _ = random_map(X.shape[1], m, g)
    C = covariance(X) / values[0]
    for _ in range(400):
        D = C @ W.T @ torch.linalg.inv(W @ C @ W.T)
        W = torch.linalg.pinv(D)
    assert float(untied_error(W, D, C)) == pytest.approx(floor / float(values[0]), abs=1e-9)
    A = V_m.T @ D
    assert torch.allclose(D, V_m @ A, atol=1e-3 * float(D.abs().max()))
    expected = torch.linalg.inv(A) @ V_m.T
    assert torch.allclose(W, expected, atol=1e-3 * float(expected.abs().max()))


@claim("prop-pca-rates")
@given(seeds)
@many
def test_curvatures_at_the_minimum_of_the_tied_and_the_untied_network(seed):
    X, m, g = draw(seed)
    _, V = spectrum(X)
    d = len(V)
    ratios = (1e-4, 0.3, 0.999, float(torch.rand((), generator=g).clamp(0.05, 0.95)))
    k = int(torch.randint(0, m, (), generator=g))
    j = int(torch.randint(m, d, (), generator=g))
    values = torch.linspace(2.0, 1.0, d, dtype=torch.float64)
    values[m:] = 0.5
    values[j] = values[k] * ratios[seed % 4]
    C = V * values @ V.T
    W, D = V[:, :m].T, V[:, :m]
    alpha, beta = torch.randn(2, generator=g, dtype=torch.float64)
    into_W = torch.outer(torch.eye(m, dtype=C.dtype)[k], V[:, j])
    at = float(untied_error(W, D, C))
    M = torch.tensor([[values[k], -values[j]], [-values[j], values[j]]], dtype=C.dtype)
    step = torch.stack([alpha, beta])
    rest = values[j] * alpha**2 * beta**2
    moved = untied_error(W + beta * into_W, D + alpha * into_W.T, C) - at
    assert float(moved) == pytest.approx(float(step @ M @ step + rest), rel=1e-8, abs=1e-9)
    tied = tied_error(W + beta * into_W, C) - at
    gap = values[k] - values[j]
    assert float(tied) == pytest.approx(
        float(gap * beta**2 + values[j] * beta**4), rel=1e-8, abs=1e-9
    )
    slow = float(torch.linalg.eigvalsh(M)[0])
    below = float(values[j] * gap / (values[k] + values[j]))
    above = min(float(values[j]), float(gap) / 2)
    assert below < slow < above


@claim("prop-pca-recover")
@given(seeds)
@many
def test_qr_of_the_decoder_and_pca_of_the_codes_give_the_principal_directions(seed):
    X, m, g = draw(seed)
    values, V = spectrum(X)
    A = torch.eye(m, dtype=X.dtype) + 0.5 * torch.randn(m, m, generator=g, dtype=X.dtype).tril(-1)
    D = V[:, :m] @ A
    H = centred(X) @ V[:, :m] @ torch.linalg.inv(A).T
    Q, R = torch.linalg.qr(D)
    G = H @ R.T
    found, U = torch.linalg.eigh(G.T @ G / len(X))
    assert torch.allclose(found.flip(0), values[:m], rtol=1e-6, atol=0)
    directions = Q @ U.flip(1)
    signs = (directions * V[:, :m]).sum(0).sign()
    assert torch.allclose(directions * signs, V[:, :m], atol=1e-5)


@claim("prop-als-power")
@given(seeds)
@many
def test_a_round_of_alternating_least_squares_multiplies_the_span_by_the_covariance(seed):
    X, m, g = draw(seed)
    Xc, C = centred(X), covariance(X)
    D = torch.randn(X.shape[1], m, generator=g, dtype=torch.float64)
    errors = []
    for _ in range(3):
        H = torch.linalg.lstsq(D, Xc.T).solution.T
        errors.append(float(mean_square(Xc - H @ D.T)))
        new = torch.linalg.lstsq(H, Xc).solution.T
        errors.append(float(mean_square(Xc - H @ new.T)))
        assert principal_angles(new, C @ D).max() < 1e-5
        D = new
    assert all(b <= a * (1 + 1e-9) for a, b in pairwise(errors))


def critical_point(V, chosen, m, g):
    """Factors with D W = sum of v_i v_i^T over the chosen indices; idle units decode to zero."""
    r = len(chosen)
    A = torch.eye(m, dtype=V.dtype) + 0.3 * torch.randn(m, m, generator=g, dtype=torch.float64)
    used, idle = A[:r], A[r:]
    inverse = torch.linalg.inv(A)
    D = V[:, chosen] @ used
    W = inverse[:, :r] @ V[:, chosen].T
    # idle units may still listen to directions that the others already carry
    if r and len(idle):
        W = W + inverse[:, r:] @ (
            0.3 * torch.randn(m - r, r, generator=g, dtype=torch.float64) @ V[:, chosen].T
        )
    return W, D


@given(seeds)
@settings(max_examples=25, deadline=None)
def critical_points_are_projections_and_all_but_the_best_strict_saddles(seed):
    X, m, g = draw(seed)
    values, V = spectrum(X)
    d = len(values)
    C = covariance(X) / values[0]
    values = values / values[0]
    r = (0, m, int(torch.randint(0, m + 1, (), generator=g)))[seed % 3]
    chosen = torch.randperm(d, generator=g)[:r].sort().values.tolist()
    if seed % 5 == 0:
        chosen = list(range(m))  # the best one, which is rarely drawn
    W, D = critical_point(V, chosen, m, g)
    g_W, g_D = gradient(lambda W, D: untied_error(W, D, C), W, D)
    assert max(g_W.abs().max(), g_D.abs().max()) < 1e-7
    error = float(untied_error(W, D, C))
    left_out = [i for i in range(d) if i not in chosen]
    assert error == pytest.approx(float(values[left_out].sum()), abs=1e-9)

    def flat(p):
        return untied_error(p[: m * d].view(m, d), p[m * d :].view(d, m), C)

    point = torch.cat([W.reshape(-1), D.reshape(-1)])
    curvature, direction = torch.linalg.eigh(torch.func.hessian(flat)(point))
    if chosen == list(range(m)):
        assert curvature[0] > -1e-8
    else:
        assert curvature[0] < -1e-4  # a direction of descent ...
        assert flat(point + 1e-2 * direction[:, 0]) < error  # ... along which the error falls
        assert curvature[-1] > 1e-4  # and one of ascent: a saddle


@given(seeds)
@settings(max_examples=15, deadline=None)
def the_descent_along_the_rotation_has_the_stated_size(seed):
    X, m, g = draw(seed)
    values, V = spectrum(X)
    C = covariance(X)
    j, k = m - 1, m  # use v_{m+1} in place of v_m
    chosen = [*range(m - 1), k]
    W, D = critical_point(V, chosen, m, g)
    theta = 0.3
    a, b = V[:, k], V[:, j]
    R = torch.eye(len(V), dtype=V.dtype) + (math.cos(theta) - 1) * (
        torch.outer(a, a) + torch.outer(b, b)
    )
    R = R + math.sin(theta) * (torch.outer(b, a) - torch.outer(a, b))
    fall = untied_error(W, D, C) - untied_error(W @ R.T, R @ D, C)
    assert float(fall) == pytest.approx(
        float(math.sin(theta) ** 2 * (values[j] - values[k])), rel=1e-6
    )


@given(seeds)
@settings(max_examples=8, deadline=None)
def critical_points_found_by_search_are_projections_on_eigenvectors(seed):
    g = torch.Generator().manual_seed(seed)
    d, m = 4, 2
    C = torch.diag(torch.tensor([1.0, 0.6, 0.35, 0.2], dtype=torch.float64))

    def flat(p):
        return untied_error(p[: m * d].view(m, d), p[m * d :].view(d, m), C)

    gradient_at, hessian_at = torch.func.grad(flat), torch.func.hessian(flat)
    found = 0
    for _ in range(6):  # least squares on the gradient: it stops at critical points of every kind
        start = torch.randn(2 * m * d, generator=g, dtype=torch.float64).numpy()
        end = least_squares(
            lambda p: gradient_at(torch.from_numpy(p)).numpy(),
            start,
            jac=lambda p: hessian_at(torch.from_numpy(p)).numpy(),
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        p = torch.from_numpy(end.x)
        if gradient_at(p).abs().max() > 1e-11:
            continue  # a local minimum of the gradient's length only
        P = p[m * d :].view(d, m) @ p[: m * d].view(m, d)
        assert torch.allclose(P, P.diag().round().diag(), atol=1e-4)
        assert set(P.diag().round().tolist()) <= {0.0, 1.0}
        found += 1
    assert found > 0


@claim("thm-landscape")
def test_every_critical_point_but_the_best_is_a_saddle():
    the_descent_along_the_rotation_has_the_stated_size()
    critical_points_are_projections_and_all_but_the_best_strict_saddles()
    critical_points_found_by_search_are_projections_on_eigenvectors()


@claim("prop-logistic-descent")
@given(seeds)
@settings(max_examples=15, deadline=None)
def test_repeated_pca_of_the_working_response_never_raises_the_cross_entropy(seed):
    g = torch.Generator().manual_seed(seed)
    X = torch.rand(20, 6, generator=g, dtype=torch.float64)
    if seed % 2:
        X = X.round()  # binary data as well as grey levels
    theta = torch.randn(20, 1, generator=g, dtype=torch.float64) @ torch.randn(
        1, 6, generator=g, dtype=torch.float64
    )

    def loss(theta):
        return float((torch.nn.functional.softplus(theta) - X * theta).sum())

    stretch, reach = 4.0, 1.0
    losses = [loss(theta)]
    Z = theta + stretch * (X - theta.sigmoid())
    for _ in range(20):  # any point of the ball around Z will do
        step = torch.randn(Z.shape, generator=g, dtype=torch.float64)
        step *= reach * float(torch.rand((), generator=g)) * (Z - theta).norm() / step.norm()
        assert loss(Z + step) <= losses[0] + 1e-9
    # the tight case: where the parabola's curvature is the loss's, the far point of the ball
    near = torch.full(X.shape, 0.501, dtype=X.dtype)
    centre = stretch * (near - 0.5)
    far = centre + reach * centre
    rise = torch.nn.functional.softplus(far) - near * far - math.log(2)
    assert rise.max() <= 1e-14
    for _ in range(20):
        Z = theta + stretch * (X - theta.sigmoid())
        step = PCA(2, svd_solver="full").fit(Z)
        theta = step.inverse_transform(step.transform(Z))
        losses.append(loss(theta))
    assert losses[-1] < losses[0]
    # the first step starts from a Theta of rank 1 with mean, so every step is admissible
    assert all(b <= a + 1e-9 for a, b in pairwise(losses))
    fitted = LogisticPCA(2, max_iter=50).fit(X)
    assert all(b <= a + 1e-9 for a, b in pairwise(fitted.objective_))
