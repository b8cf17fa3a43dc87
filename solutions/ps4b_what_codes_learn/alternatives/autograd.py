"""Derivatives by autograd, products by einsum, determinants by eigenvalues."""

# %% q1_infomax
def information(W, C, noise):
    scaled = W / noise[:, None]
    values = torch.linalg.eigvalsh(scaled @ C @ scaled.T).clamp(min=0)
    return torch.log1p(values).sum().reshape(1) / 2


def best_orthonormal(C, noise):
    U = torch.linalg.svd(C).U[:, : len(noise)]
    order = torch.empty_like(noise, dtype=torch.long)
    order[torch.argsort(noise)] = torch.arange(len(noise))
    return -U[:, order].mT


def powers(noise, power):
    floor, back = (noise**2).sort()
    k = torch.arange(1, len(noise) + 1, dtype=torch.float64)
    levels = (power + floor.cumsum(0)) / k
    used = int((levels >= floor).nonzero().max())
    return torch.zeros_like(noise).index_put((back,), torch.relu(levels[used] - floor))


def bound_gap(W, C, noise):
    L = torch.linalg.cholesky(C)
    A = (W / noise[:, None]) @ L
    inner = torch.linalg.inv(torch.eye(len(C), dtype=C.dtype) + A.T @ A)
    values = torch.linalg.svdvals(L @ inner @ L.T)
    return -torch.log(values / values.mean()).sum() / 2

# %% q2_trap
def copying_decoder(W, b, alive):
    A = alive[:, None] * W
    D = torch.cholesky_solve(A.T, torch.linalg.cholesky(A.T @ A))
    return D, -torch.einsum("dm,m->d", D, b)


def noise_error(M, c, low, high):
    A = torch.eye(len(c), dtype=torch.float64) - M
    mean, spread = (low + high) / 2, (high - low) / math.sqrt(12)
    return torch.linalg.matrix_norm(A * spread) ** 2 + torch.linalg.vector_norm(A @ mean - c) ** 2


def decayed(C, m, decay_W, decay_D):
    values, vectors = torch.linalg.eigh(C)
    k = min(m, len(C))
    price = (decay_W * decay_D) ** 0.5
    kept = values[-k:].clamp(min=price)
    gain = 1 - price / kept
    W = (gain**0.5 * vectors[:, -k:]).mT * (decay_D / decay_W) ** 0.25
    D = gain**0.5 * vectors[:, -k:] * (decay_W / decay_D) ** 0.25
    return torch.cat([W, W.new_zeros(m - k, len(C))]), torch.cat([D, D.new_zeros(len(C), m - k)], dim=1)

# %% q3_protocol
def infer(X, D, c, H, penalty, rate, steps):
    for _ in range(steps):
        leaf = H.detach().requires_grad_()
        error = ((X - torch.sigmoid(leaf @ D.T + c)) ** 2).sum()
        (slope,) = torch.autograd.grad(error, leaf)
        moved = H - rate * slope
        H = torch.relu(moved - rate * penalty) - torch.relu(-moved - rate * penalty)
    return H


def judge(X, X_hat, H, mean):
    lost = 100 * torch.dist(X, X_hat) ** 2 / torch.dist(X, mean.expand_as(X)) ** 2
    return torch.stack([lost, 100 * (1 - (H != 0).double().mean()), ((H != 0).sum(dim=0) == 0).sum().double()])


def budget_errors(X, D, k):
    A = X @ D
    n = len(X)
    outside = (X**2).sum() - (A**2).sum()
    m = A.shape[1]
    same = (A**2).sum(dim=0).topk(m - k, largest=False).values.sum()
    own = (A**2).topk(m - k, dim=1, largest=False).values.sum()
    pooled = (A**2).flatten().topk(n * (m - k), largest=False).values.sum()
    return (outside + same) / n, (outside + own) / n, (outside + pooled) / n

# %% q4_field
def denoiser_jacobian(Y, M, weights, std):
    def mean(y):
        logits = torch.log(weights) - ((y - M) ** 2).sum(dim=1) / (2 * std**2)
        return torch.softmax(logits, dim=0) @ M

    return torch.stack([torch.autograd.functional.jacobian(mean, y) for y in Y])


def line_integral(path, V, closed):
    S = [torch.zeros((), dtype=torch.float64)]
    pairs = list(zip(path[:-1], path[1:], V[:-1], V[1:])) + ([(path[-1], path[0], V[-1], V[0])] if closed else [])
    for p, q, v, w in pairs:
        S.append(S[-1] + torch.dot(q - p, v + w) / 2)
    return torch.stack(S)


def potential(X, W, a, b, c):
    zero = torch.zeros((), dtype=torch.float64)
    A = torch.cat([X @ W.T + b, b[None]])
    wells = torch.einsum("nm,m->n", torch.logaddexp(A, zero), a)
    return wells[:-1] - wells[-1] - ((X - c) ** 2).sum(dim=1) / 2 + (c**2).sum() / 2


def asymmetry(X, W, D, b):
    A = X @ W.T + b
    Q = torch.sigmoid(A) * torch.sigmoid(-A)
    size = torch.einsum("nj,nk,jk,jk->n", Q, Q, W @ W.T, D.T @ D)
    trace = torch.einsum("nj,nk,jk,kj->n", Q, Q, W @ D, W @ D)
    return torch.where(size == 0, torch.zeros_like(size), (size - trace) / size)

# %% q5_tangents
def tangents_through(X, at, k, dim):
    D = (at[:, None] - X[None]).pow(2).sum(dim=2)
    D = torch.where(D == 0, math.inf, D)
    near = D.topk(k, largest=False).indices
    N = X[near] - at[:, None]
    _, _, Vh = torch.linalg.svd(N, full_matrices=False)
    return Vh[:, :dim].mT


def slope_error(k, density, curvature, third, noise, sides):
    h = torch.tensor(k / (sides * density), dtype=torch.float64)
    one = 1.0 if sides == 1 else 0.0
    bias = 3 / h**2 * (one * curvature * h**3 / 8 + third * h**4 / 30)
    return bias**2 + noise**2 * 3 / (k * h**2)


def neighbours_at_end(density, curvature, noise):
    low, high = math.log(1e-9), math.log(1e15)
    for _ in range(300):
        middle = (low + high) / 2
        k = math.exp(middle)
        growing = 2 * (3 * curvature / (8 * density)) ** 2 * k
        falling = 9 * noise**2 * density**2 / k**4
        low, high = (low, middle) if growing > falling else (middle, high)
    return math.exp(low)

# %% q6_machine
def mean_field_cd(X, W, b, c):
    leaves = [t.clone().requires_grad_() for t in (W, b, c)]
    X1 = torch.sigmoid(X @ W.T + b) @ W + c

    def free_energy(Z):
        A = Z @ leaves[0].T + leaves[1]
        return ((Z - leaves[2]) ** 2).sum(dim=1) / 2 - torch.nn.functional.softplus(A).sum(dim=1)

    return torch.autograd.grad((free_energy(X1) - free_energy(X)).mean(), leaves)


def tied_direction(X, W, b, c):
    leaves = [t.clone().requires_grad_() for t in (W, b, c)]
    X1 = torch.sigmoid(X @ leaves[0].T + leaves[1]) @ leaves[0] + leaves[2]
    loss = ((X - X1) ** 2).sum(dim=1).mean() / 2
    return tuple(-g for g in torch.autograd.grad(loss, leaves))


def cd_curl(X, W, b, c):
    def directions(b, c):
        H = torch.sigmoid(X @ W.T + b)
        X1 = H @ W + c
        return (X - X1).mean(dim=0), (H - torch.sigmoid(X1 @ W.T + b)).mean(dim=0)

    (c_by_b, _), (_, b_by_c) = torch.autograd.functional.jacobian(directions, (b, c))
    return c_by_b.T - b_by_c


def effective_pixels(W):
    unit = W / W.abs().amax(dim=1, keepdim=True)
    unit = torch.nan_to_num(unit)
    ratio = unit.pow(2).sum(dim=1).pow(2) / unit.pow(4).sum(dim=1)
    return torch.nan_to_num(ratio)


def idle_units(X, W, b, tol):
    H = torch.sigmoid(torch.nn.functional.linear(X, W, b))
    return torch.where(H.amax(dim=0) - H.amin(dim=0) > tol, 0, 1)

# %% q7_tangents
def tangent_basis(encode, X, k):
    bases = []
    for x in X:
        J = torch.autograd.functional.jacobian(encode, x[None])[0, :, 0]
        bases.append(torch.linalg.eigh(J.T @ J).eigenvectors[:, -k:])
    return torch.stack(bases)


def plane_angle(A, B):
    d = A.shape[1]
    outside = torch.eye(d, dtype=A.dtype) - A @ A.mT
    return torch.arcsin(torch.linalg.svdvals(outside @ B)[:, 0].clamp(max=1))
