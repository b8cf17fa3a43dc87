"""Other orders of operation (Gram matrices, einsum, the other side of an identity), and lists of numbers come back."""

# %% q1_losses
def best_gaussian(A, X):
    variances = (X - A).square().sum(dim=0) / X.shape[0]
    loss = 0.5 * (X.shape[1] * (1 + math.log(2 * math.pi)) + float(variances.log().sum()))
    return [variances.sqrt().tolist(), loss]


def bernoulli_loss(A, X):
    cost = -torch.where(X.isnan(), 0.0, X * torch.nn.functional.logsigmoid(A))
    cost = cost - torch.where(X.isnan(), 0.0, (1 - X) * torch.nn.functional.logsigmoid(-A))
    return [float(cost.sum()) / len(X)]


def least_bernoulli_loss(X, codes):
    losses = []
    for code in sorted(set(codes.tolist())):
        p = X[codes == code].mean(dim=0)
        entropy = torch.special.entr(p) + torch.special.entr(1 - p)
        losses.append(float((codes == code).sum()) / len(X) * float(entropy.sum()))
    return sum(losses)

# %% q2_tied
def forwards(X, W, b, c):
    H = 1 / (1 + torch.exp(-torch.einsum("nd,md->nm", X, W) - b))
    A = torch.einsum("nm,md->nd", H, W) + c
    error = torch.sigmoid(A) - X
    return H, A, error, torch.einsum("nd,md->nm", error, W) * H * (1 - H)


def tied_gradients(X, W, b, c):
    H, A, error, back = forwards(X, W, b, c)
    loss = (A.clamp(min=0) - X * A + torch.log1p(torch.exp(-A.abs()))).sum(dim=1).mean()
    dW = torch.cat([back, H]).T @ torch.cat([X, error]) / len(X)
    return [float(loss), dW.tolist(), back.mean(dim=0).tolist(), error.mean(dim=0).tolist()]


def weight_pulls(X, W, b, c):
    H, _, error, back = forwards(X, W, b, c)
    a, b = back.norm(dim=1) * X.norm(dim=1), H.norm(dim=1) * error.norm(dim=1)
    inner = torch.einsum("nm,nm->n", back, H) * torch.einsum("nd,nd->n", X, error)
    return ((a - b) ** 2 + 2 * (a * b + inner)).clamp(min=0).sqrt().tolist()

# %% q3_penalties
def l1_penalty(H, D):
    gram = torch.einsum("dj,dj->j", D, D).sqrt()
    inverse = torch.where(gram > 0, 1 / gram, torch.zeros_like(gram))
    total = torch.einsum("nj->j", H.abs())
    signs = (H > 0).double() - (H < 0).double()
    value = torch.einsum("nj,j->", H.abs(), gram) / len(H)
    dH = torch.einsum("nj,j->nj", signs, gram) / len(H)
    return [float(value), dH.tolist(), (torch.einsum("dj,j->dj", D, inverse * total) / len(H)).tolist()]


def kl_penalty(Z, rate):
    n = len(Z)
    on, off = -torch.nn.functional.softplus(-Z), -torch.nn.functional.softplus(Z)
    softmax_on, softmax_off = torch.softmax(on, dim=0), torch.softmax(off, dim=0)
    log_r, log_rest = on.logsumexp(dim=0) - math.log(n), off.logsumexp(dim=0) - math.log(n)
    entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    value = -float((rate * log_r + (1 - rate) * log_rest + entropy).sum())
    dZ = (1 - rate) * softmax_off * torch.sigmoid(Z) - rate * softmax_on * torch.sigmoid(-Z)
    return [value, dZ.tolist()]

# %% q4_ksparse
def k_sparse(A, k):
    values, places = A.sort(dim=1)
    late = torch.arange(A.shape[1]) >= A.shape[1] - k[:, None]
    return torch.zeros_like(A).scatter(1, places, values * late).tolist()


def k_sparse_backward(A, k, dH):
    # How many of the row are larger; no two are equal here.
    larger = (A[:, None, :] > A[:, :, None]).sum(dim=2)
    return (dH * (larger < k[:, None])).tolist()

# %% q5_corruptions
def mask(X, rate, generator):
    return (X * (torch.rand(X.shape, generator=generator) >= rate))


def salt_and_pepper(X, rate, generator):
    n = X.numel()
    kind = torch.multinomial(
        torch.tensor([1 - rate, rate / 2, rate / 2]), n, replacement=True, generator=generator
    ).reshape(X.shape)
    return torch.stack([X, torch.zeros_like(X), torch.ones_like(X)]).gather(0, kind[None])[0]


def matching_rates(X, std):
    squares = std**2 / X.square().mean()
    return [float(squares), float(std**2 / (X.square() - X + 0.5).mean())]

# %% q6_mixture
def score(Y, std, weights, means, variances):
    noisy = variances + std**2
    # Squares by the Gram matrix, from a common origin near the data.
    origin = means.mean(dim=0)
    A, B = Y - origin, means - origin
    squares = (A**2).sum(dim=1)[:, None] - 2 * A @ B.T + (B**2).sum(dim=1)
    logs = torch.log(weights) - Y.shape[1] / 2 * torch.log(2 * math.pi * noisy) - squares / (2 * noisy)
    share = torch.exp(logs - torch.logsumexp(logs, dim=1, keepdim=True)) / noisy
    return (torch.einsum("nk,kd->nd", share, means) - share.sum(dim=1)[:, None] * Y).tolist()


def posterior_mean(Y, std, weights, means, variances):
    return (Y + std**2 * torch.tensor(score(Y, std, weights, means, variances), dtype=Y.dtype)).tolist()

# %% q7_linear
def linear_denoise(X, std, Y):
    n = len(X)
    A = torch.cat([(X / std).T, math.sqrt(n) * torch.eye(n, dtype=X.dtype)])
    goals = torch.cat([(Y / std).T, torch.zeros(n, len(Y), dtype=X.dtype)])
    return (X.T @ torch.linalg.lstsq(A, goals).solution).T.tolist()


def linear_unmasker(X, rates):
    kept = 1 - rates
    S = torch.einsum("nj,nk->jk", X, X) / len(X)
    coins = torch.outer(kept, kept)
    coins.fill_diagonal_(1.0)
    coins.diagonal().copy_(kept)
    return torch.linalg.lstsq(coins * S, (S * kept).T).solution.T.tolist()

# %% q8_contractive
def jacobian_penalty(X, W, b):
    H = torch.sigmoid(torch.einsum("nd,md->nm", X, W) + b)
    V = H - H * H
    scaled = torch.einsum("nj,jk->njk", V, W @ W.T)
    return float(torch.einsum("njk,nkj->", scaled, scaled)) / len(X)


def jacobian_gradients(X, W, b):
    H = torch.sigmoid(torch.einsum("nd,md->nm", X, W) + b)
    V, G = H - H * H, torch.einsum("jd,kd->jk", W, W)
    slope = torch.einsum("nk,jk,jk->nj", V, G, G) * (V - 2 * V * H)
    direct = torch.einsum("nj,nk,jk,kd->jd", V, V, G, W)
    return [((2 * slope.T @ X + 4 * direct) / len(X)).tolist(), (2 * slope.mean(dim=0)).tolist()]

# %% q9_hutchinson
def asymmetry(r, X, V):
    p, n, d = V.shape
    points, directions = X.repeat(p, 1), V.reshape(p * n, d)
    leaf = points.clone().requires_grad_()
    back = torch.autograd.grad(r(leaf), leaf, directions)[0]
    forward = torch.func.jvp(r, (points,), (directions,))[1]
    return (forward - back).square().sum(dim=1).reshape(p, n).mean(dim=0).tolist()


def hutchinson_variance(J, kurtosis, p):
    lengths = J.norm(dim=1)
    pairs = torch.linalg.matrix_norm(J @ J.mT) ** 2 - (lengths**4).sum(dim=1)
    return ((2 * pairs + (kurtosis - 1) * (lengths**4).sum(dim=1)) / p).tolist()

# %% q10_cheat
def cheat(W, b, D, eps):
    both = torch.cat([W, b[:, None]], dim=1) * eps.reshape(-1, 1)
    return [both[:, :-1].tolist(), both[:, -1].tolist(), torch.einsum("dm,m->dm", D, 1 / eps).tolist()]


def balanced_scales(X, W, b, D, decay):
    on = torch.heaviside(X @ W.T + b, torch.zeros(1, dtype=X.dtype))
    paid = torch.einsum("nm,md,md->m", on, W, W) / len(X)
    logs = math.log(decay) + torch.einsum("dm,dm->m", D, D).log() - paid.log()
    return torch.exp(logs / 4).tolist()


def spend(variances, budget):
    values = sorted(variances.tolist(), reverse=True)
    candidates = [2 * (k - budget) / sum(1 / v for v in values[:k]) for k in range(1, len(values) + 1)]
    gamma = max(candidates)
    return [[max(0.0, 1 - gamma / (2 * v)) for v in variances.tolist()], gamma]

# %% q11_train
def learn_to_denoise(X, corrupt, X_noisy, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    d = X.shape[1]
    model = torch.nn.Sequential(
        torch.nn.Linear(d, 256), torch.nn.LeakyReLU(0.1), torch.nn.Linear(256, d), torch.nn.Sigmoid()
    ).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1000)
    for _ in range(1000):
        clean = X[torch.randperm(len(X))[:100]]
        loss = (model(corrupt(clean, generator)) - clean).square().sum() / len(clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model(X_noisy).detach().tolist()
