"""Einstein sums, batched linear algebra, other orders of operations."""

# %% q1_coherence
def cumulative_coherence(D):
    U = torch.nn.functional.normalize(D, dim=0, eps=0.0)
    C = torch.einsum("di,dj->ij", U, U).abs()
    m = len(C)
    others = C[~torch.eye(m, dtype=torch.bool)].reshape(m, m - 1)
    return torch.stack([others.topk(k, dim=1).values.sum(dim=1).max() for k in range(1, m)])


def guaranteed_size(D):
    mu = torch.nn.functional.pad(cumulative_coherence(D), (1, 0))
    return (mu[1:] + mu[:-1] < 1).sum()


def most_atoms(d, s):
    square = (2 * s - 1) ** 2
    return -(-d * (square - 1) // (square - d)) - 1

# %% q2_sense
def sense(Y, A, D, penalty):
    E = torch.einsum("kd,dm->km", A, D)
    scale = torch.einsum("km,km->m", E, E).sqrt().clamp(min=1e-300)
    on = lasso_codes(Y, E / scale, penalty) != 0
    # Columns off the support are zero, and the pseudoinverse gives them zero.
    return torch.einsum("nmk,nk->nm", torch.linalg.pinv(E * on[:, None, :]), Y)


def success_rate(Z, H):
    agree = H * Z.sign()
    smallest = agree.masked_fill(Z == 0, float("inf")).min(dim=1).values
    largest = H.abs().masked_fill(Z != 0, 0.0).max(dim=1).values
    return (smallest > largest).float().mean()

# %% q3_measure
def orientation(W):
    p = math.isqrt(W.shape[1])
    u = torch.fft.fftfreq(p, dtype=torch.float64)
    k = torch.arange(p, dtype=torch.float64)
    waves = torch.exp(-2j * math.pi * u[:, None] * k)
    F = torch.einsum("ay,nyx,bx->nab", waves, W.reshape(-1, p, p).to(waves.dtype), waves)
    P = F.abs().square()
    P = P / P.sum(dim=(1, 2), keepdim=True)
    moments = torch.einsum("nab,b,b->n", P, u, u), torch.einsum("nab,a,b->n", P, u, u), torch.einsum("nab,a,a->n", P, u, u)
    double = torch.complex(moments[0] - moments[2], 2 * moments[1])
    return torch.remainder(double.angle() / 2, math.pi), double.abs() / (moments[0] + moments[2])


def place(W, theta):
    p = math.isqrt(W.shape[1])
    q = torch.nn.functional.normalize(W, dim=1).square()
    grid = torch.cartesian_prod(torch.arange(p), torch.arange(p)).double().flip(1)
    centre = q @ grid
    offset = grid - centre[:, None]
    second = torch.einsum("np,npi,npj->nij", q, offset, offset)
    axis = torch.stack([torch.cos(theta), torch.sin(theta)], dim=1)
    across = torch.stack([-axis[:, 1], axis[:, 0]], dim=1)
    widths = [torch.einsum("ni,nij,nj->n", v, 2 * second, v).sqrt() for v in (axis, across)]
    return centre[:, 0], centre[:, 1], widths[0], widths[1]


def half_band(frequencies, response):
    half = response.max(dim=1).values / 2
    low = torch.zeros(len(response), dtype=torch.float64)
    high = frequencies[-1].repeat(len(response))
    for i, row in enumerate(response):
        peak = int((row == row.max()).nonzero()[0, 0])
        for a in range(peak, 0, -1):
            if row[a - 1] <= half[i]:
                low[i] = torch.lerp(frequencies[a - 1], frequencies[a], (half[i] - row[a - 1]) / (row[a] - row[a - 1]))
                break
        for a in range(peak, len(row) - 1):
            if row[a + 1] <= half[i]:
                high[i] = torch.lerp(frequencies[a], frequencies[a + 1], (row[a] - half[i]) / (row[a] - row[a + 1]))
                break
    return torch.stack([low, high])

# %% q4_fill
def masked_lipschitz(D, M):
    gram = torch.einsum("di,nd,dj->nij", D, M, D)
    return torch.linalg.eigvalsh(gram).amax(dim=1).clamp(min=0)


def fill(X, M, D, penalty, steps):
    X_hat = X.masked_fill(M == 0, 0.0)
    k = M.sum(dim=1)
    mean = X_hat.sum(dim=1) / k
    mean[k == 0] = X_hat.sum() / M.sum()
    target = torch.einsum("nd,nd,dm->nm", M, X_hat - mean[:, None], D)
    gram = torch.einsum("di,nd,dj->nij", D, M, D)
    L = torch.linalg.matrix_norm(gram, ord=2)
    L[L == 0] = torch.inf
    t = (penalty * k / X.shape[1] / L)[:, None]
    H = torch.zeros_like(target)
    for _ in range(steps):
        B = H + (target - torch.einsum("nij,nj->ni", gram, H)) / L[:, None]
        H = torch.nn.functional.relu(B - t) - torch.nn.functional.relu(-B - t)
    return torch.where(M == 1, X_hat, torch.einsum("nm,dm->nd", H, D) + mean[:, None])

# %% q5_words
def nonnegative_codes(X, D, penalty, sweeps):
    square = torch.einsum("dm,dm->m", D, D)
    H = torch.zeros(len(X), D.shape[1], dtype=torch.float64)
    for _ in range(sweeps):
        for j in (square > 0).nonzero()[:, 0].tolist():
            left = X - torch.einsum("nm,dm->nd", H, D) + torch.einsum("n,d->nd", H[:, j], D[:, j])
            H[:, j] = torch.relu((torch.einsum("nd,d->n", left, D[:, j]) - penalty) / square[j])
    return H


def sense_vectors(x, D, h):
    order = [j for j in torch.argsort(-h, stable=True).tolist() if h[j] > 0]
    parts = torch.einsum("dm,m->md", D, h)
    left = x - parts.sum(dim=0)
    return torch.nn.functional.normalize(left + parts[torch.tensor(order, dtype=torch.long)], dim=1)


def name_senses(h, C, labels, senses):
    share = (C / C.sum(dim=1, keepdim=True)).nan_to_num(0.0)
    member = torch.nn.functional.one_hot(torch.tensor(labels), senses).double()
    score = torch.einsum("ws,wm->sm", member, share) / member.sum(dim=0).clamp(min=1)[:, None]
    score = torch.where(h > 0, score, 0.0)
    s, j = linear_sum_assignment(-score.numpy())
    atoms = torch.full((senses,), -1)
    atoms[s] = torch.tensor(j)
    atoms[s] = torch.where(score[s, j] > 0, atoms[s], -1)
    return atoms

# %% q6_predictive
def infer(X, D, prediction, penalty, pull, steps):
    A = torch.einsum("di,dj->ij", D, D) + torch.diag_embed(pull)
    t = 1 / torch.linalg.matrix_norm(A, 2)
    move, constant = torch.eye(len(A), dtype=A.dtype) - t * A, t * (torch.einsum("nd,dm->nm", X, D) + pull * prediction)
    Z = prediction
    for _ in range(steps):
        Z = torch.nn.functional.softshrink(Z @ move + constant, float(t * penalty))
    return Z


def steps_needed(D, pull, share):
    values = torch.linalg.svdvals(torch.einsum("di,dj->ij", D, D) + torch.diag_embed(pull))
    q = float((values[0] - values[-1]) / values[0])
    if share == 1:
        return torch.tensor(0)
    return torch.tensor(math.ceil(math.log(share) / math.log(max(q, 1e-300)) - 1e-8))


def encoder_gradients(X, W, b, gain, Z, pull):
    a = torch.einsum("nd,md->nm", X, W) + b
    f = torch.einsum("m,nm->nm", gain, torch.tanh(a))
    left = (f - Z) * pull
    slope = gain / torch.cosh(a) ** 2
    return (
        torch.einsum("nm,nm,nd->nmd", left, slope, X).mean(dim=0),
        (left * slope).mean(dim=0),
        (left * torch.tanh(a)).mean(dim=0),
    )
