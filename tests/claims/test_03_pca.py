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

from replearn.linear import PCA, factorise
from replearn.logistic import LogisticPCA
from replearn.metrics import principal_angles

TOLERANCE = 1e-9

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)


def draw(seed: int, *, invertible: bool = True, gap: bool = True):
    """Data (n, d) with a random mean, scale and a spectrum with gaps; a code size m < d."""
    g = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=g))

    d = whole(3, 8)
    n = whole(d + 2, 30) if invertible else whole(3, 30)
    m = whole(1, d - 1)
    raw = torch.randn(n, d, generator=g, dtype=torch.float64)
    raw = raw - raw.mean(0)
    if gap:  # well separated eigenvalues 2^0, 2^1, ... in a random basis
        U = torch.linalg.qr(raw).Q
        V = torch.linalg.qr(torch.randn(d, d, generator=g, dtype=torch.float64)).Q
        raw = U * 2.0 ** (torch.arange(d, 0, -1, dtype=torch.float64) / 2) @ V.T
    scale = 10.0 ** whole(-2, 2)
    X = scale * (raw + 3 * torch.randn(d, generator=g, dtype=torch.float64))
    return X, m, g


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
    X, m, g = draw(seed, invertible=False, gap=False)
    Q = torch.linalg.qr(torch.randn(X.shape[1], m, generator=g, dtype=torch.float64)).Q
    Xc, C = centred(X), covariance(X)
    error = mean_square(Xc - Xc @ Q @ Q.T)
    kept = torch.trace(Q.T @ C @ Q)
    assert float(error + kept) == pytest.approx(float(torch.trace(C)), rel=TOLERANCE)


@claim("thm-eckart-young")
@given(seeds)
@many
def test_error_is_the_sum_of_the_discarded_eigenvalues(seed):
    X, m, g = draw(seed)
    values, V = spectrum(X)
    floor, total = float(values[m:].sum()), float(values.sum())
    pca = PCA(m, solver="svd").fit(X)
    pca_error = mean_square(X - pca.inverse_transform(pca.transform(X)))
    assert float(pca_error) == pytest.approx(floor, rel=1e-8, abs=TOLERANCE * total)
    Xc, C = centred(X), covariance(X)
    for _ in range(5):  # any other map of rank m does no better, however well it is tuned
        W, D = random_map(X.shape[1], m, g)
        assert mean_square(Xc - Xc @ W.T @ D.T) >= floor - TOLERANCE * total
        D = C @ W.T @ torch.linalg.inv(W @ C @ W.T)
        assert mean_square(Xc - Xc @ W.T @ D.T) > floor
    # near equality forces the reconstruction of PCA: a slightly turned subspace pays for it
    turned = V[:, :m].clone()
    turned[:, m - 1] = math.cos(0.1) * V[:, m - 1] + math.sin(0.1) * V[:, m]
    paid = mean_square(Xc - Xc @ turned @ turned.T) - floor
    expected = math.sin(0.1) ** 2 * (values[m - 1] - values[m])
    assert float(paid) == pytest.approx(float(expected), rel=1e-6)


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
    X, m, g = draw(seed)
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


@claim("thm-tied")
def test_tied_minima_are_orthonormal_bases_in_any_rotation():
    rotated_orthonormal_bases_are_the_tied_minima()
    # and gradient descent does end in one, and not in the eigenvectors
    g = torch.Generator().manual_seed(0)
    C = torch.diag(torch.tensor([5.0, 3.0, 2.0, 0.5, 0.1], dtype=torch.float64))
    W = 0.1 * torch.randn(3, 5, generator=g, dtype=torch.float64)
    for _ in range(3000):
        W = W - 0.02 * gradient(lambda W: tied_error(W, C), W)[0]
    assert torch.allclose(W @ W.T, torch.eye(3, dtype=W.dtype), atol=1e-6)
    assert principal_angles(W.T, torch.eye(5, dtype=W.dtype)[:, :3]).max() < 1e-5
    assert (W[:, :3].abs() - torch.eye(3)).abs().max() > 0.1  # a rotation, not a permutation


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
    W = V[:, :m].T
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
    A = torch.eye(m, dtype=X.dtype) + 0.5 * torch.tril(
        torch.randn(m, m, generator=g, dtype=torch.float64), -1
    )
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
    r = int(torch.randint(0, m + 1, (), generator=g))
    chosen = torch.randperm(d, generator=g)[:r].sort().values.tolist()
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


@claim("thm-landscape")
def test_every_critical_point_but_the_best_is_a_saddle():
    critical_points_are_projections_and_all_but_the_best_strict_saddles()
    the_descent_along_the_rotation_has_the_stated_size()


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

    losses = [loss(theta)]
    for _ in range(20):
        Z = theta + 4 * (X - theta.sigmoid())
        step = PCA(2, solver="svd").fit(Z)
        theta = step.inverse_transform(step.transform(Z))
        losses.append(loss(theta))
    assert losses[-1] < losses[0]
    # the first step starts from a Theta of rank 1 with mean, so every step is admissible
    assert all(b <= a + 1e-9 for a, b in pairwise(losses))
    fitted = LogisticPCA(2, max_iter=50).fit(X)
    assert all(b <= a + 1e-9 for a, b in pairwise(fitted.objective_))
