"""Distributions and automatic differentiation of torch wherever they apply; a residual network, trained with momentum."""

# %% q1_losses
def best_gaussian(A, X):
    std = torch.linalg.vector_norm(X - A, dim=0) / len(X) ** 0.5
    return std, -torch.distributions.Normal(A, std).log_prob(X).sum(dim=1).mean()


def bernoulli_loss(A, X):
    seen = ~X.isnan()
    total = torch.nn.functional.binary_cross_entropy_with_logits(A[seen], X[seen], reduction="sum")
    return total / len(X)


def least_bernoulli_loss(X, codes):
    _, places = codes.unique(return_inverse=True)
    member = torch.nn.functional.one_hot(places).to(X.dtype)
    P = (member.T @ X / member.sum(dim=0)[:, None]).clamp(0, 1)[places]
    return torch.distributions.Bernoulli(probs=P).entropy().sum() / len(X)

# %% q2_tied
def tied_gradients(X, W, b, c):
    W, b, c = (part.clone().requires_grad_() for part in (W, b, c))
    A = torch.sigmoid(torch.nn.functional.linear(X, W, b)) @ W + c
    loss = torch.nn.functional.binary_cross_entropy_with_logits(A, X, reduction="sum") / len(X)
    return loss.detach(), *torch.autograd.grad(loss, (W, b, c))



def weight_pulls(X, W, b, c):
    pulls = []
    for x in X:
        leaf = W.clone().requires_grad_()
        a = torch.sigmoid(leaf @ x + b) @ leaf + c
        loss = torch.nn.functional.binary_cross_entropy_with_logits(a, x, reduction="sum")
        pulls.append(torch.autograd.grad(loss, leaf)[0].norm())
    return torch.stack(pulls)

# %% q3_penalties
def l1_penalty(H, D):
    codes, decoder = H.clone().requires_grad_(), D.clone().requires_grad_()
    value = (codes.abs() @ torch.linalg.vector_norm(decoder, dim=0)).mean()
    return value.detach(), *torch.autograd.grad(value, (codes, decoder))


def kl_penalty(Z, rate):
    leaf = Z.clone().requires_grad_()
    log_r = torch.logsumexp(torch.nn.functional.logsigmoid(leaf), dim=0) - math.log(len(Z))
    log_rest = torch.logsumexp(torch.nn.functional.logsigmoid(-leaf), dim=0) - math.log(len(Z))
    value = -(rate * log_r + (1 - rate) * log_rest).sum()
    value = value + Z.shape[1] * (rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    return value.detach(), torch.autograd.grad(value, leaf)[0]

# %% q4_ksparse
def k_sparse(A, k):
    order = torch.argsort(A, dim=1, descending=True)
    ranks = torch.argsort(order, dim=1)
    return A.masked_fill(ranks >= k.reshape(-1, 1), 0.0)


def k_sparse_backward(A, k, dH):
    leaf = A.clone().requires_grad_()
    return torch.autograd.grad(k_sparse(leaf, k), leaf, dH)[0]

# %% q5_corruptions
def mask(X, rate, generator):
    return X * torch.bernoulli(torch.full_like(X, 1 - rate), generator=generator)


def salt_and_pepper(X, rate, generator):
    hit = torch.bernoulli(torch.full_like(X, rate), generator=generator)
    salt = torch.bernoulli(torch.full_like(X, 0.5), generator=generator)
    return hit * salt + (1 - hit) * X


def matching_rates(X, std):
    far = X.shape[1] * std**2
    salt_or_pepper = torch.tensor([0.0, 1.0], dtype=X.dtype)
    moved = (X[:, :, None] - salt_or_pepper).square().mean(dim=2)
    return far / X.square().sum(dim=1).mean(), far / moved.sum(dim=1).mean()

# %% q6_mixture
def score(Y, std, weights, means, variances):
    Y = Y.clone().requires_grad_()
    components = torch.distributions.Independent(
        torch.distributions.Normal(means, (variances + std**2).sqrt()[:, None].expand_as(means)), 1
    )
    log_density = torch.logsumexp(weights.log() + components.log_prob(Y[:, None]), dim=1)
    return torch.autograd.grad(log_density.sum(), Y)[0]


def posterior_mean(Y, std, weights, means, variances):
    return Y + std**2 * score(Y, std, weights, means, variances)

# %% q7_linear
def linear_denoise(X, std, Y):
    # In units of the noise, the singular vectors of the clean samples are shrunk one by one.
    _, s, V = torch.linalg.svd(X / std / len(X) ** 0.5, full_matrices=False)
    return ((Y / std) @ V.T * (s**2 / (1 + s**2))) @ V * std


def linear_unmasker(X, rates):
    d = X.shape[1]
    spread = torch.diag(((1 - rates) * rates * (X**2).sum(dim=0)).sqrt())
    rows = torch.cat([(1 - rates) * X, spread])
    goals = torch.cat([X, torch.zeros(d, d, dtype=X.dtype)])
    return torch.linalg.lstsq(rows, goals).solution.T

# %% q8_contractive
def jacobian_penalty(X, W, b):
    H = torch.sigmoid(X @ W.T + b)
    gram = torch.linalg.qr(W.T, mode="r").R
    # J = W^T S W has the norm of R S R^T with W^T = Q R.
    J = torch.einsum("am,nm,bm->nab", gram, H - H**2, gram)
    return J.square().sum() / len(X)


def jacobian_gradients(X, W, b):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    H = torch.sigmoid(X @ W.T + b)
    V = H - H**2
    value = torch.einsum("nj,jk,nk->n", V, (W @ W.T).square(), V).mean()
    return torch.autograd.grad(value, (W, b))

# %% q9_hutchinson
def asymmetry(r, X, V):
    results = []
    for v in V:
        forward = torch.autograd.functional.jvp(r, X, v)[1]
        back = torch.autograd.functional.vjp(r, X, v)[1]
        results.append((forward - back).square().sum(dim=1))
    return torch.stack(results).mean(dim=0)


def hutchinson_variance(J, kurtosis, p):
    small = torch.einsum("nad,nbd->nab", J, J)
    column = torch.einsum("nad,nad->nd", J, J)
    return 2 / p * small.square().sum(dim=(1, 2)) + (kurtosis - 3) / p * column.square().sum(dim=1)

# %% q10_cheat
def cheat(W, b, D, eps):
    return torch.diag(eps) @ W, b.mul(eps), D.div(eps[None])


def balanced_scales(X, W, b, D, decay):
    leaf = X.clone().requires_grad_()
    H = torch.relu(leaf @ W.T + b)
    paid = [torch.autograd.grad(H[:, j].sum(), leaf, retain_graph=True)[0].square().sum() for j in range(len(W))]
    return (decay * D.square().sum(dim=0) * len(X) / torch.stack(paid)).sqrt().sqrt()


def spend(variances, budget):
    on = torch.ones(len(variances), dtype=torch.bool)
    while True:
        gamma = 2 * (on.sum() - budget) / (1 / variances[on]).sum()
        gains = torch.where(on, 1 - gamma / (2 * variances), 0.0)
        if bool((gains >= 0).all()):
            return gains, gamma
        on = gains > 0

# %% q11_train
def learn_to_denoise(X, corrupt, X_noisy, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    X, Y = X.float(), X_noisy.float()
    d = X.shape[1]
    correct = torch.nn.Sequential(torch.nn.Linear(d, 200), torch.nn.ReLU(), torch.nn.Linear(200, d))
    optimizer = torch.optim.SGD(correct.parameters(), lr=0.02, momentum=0.9)
    steps = 2000
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, total_iters=steps)
    for _ in range(steps):
        clean = X[torch.randint(len(X), (100,))]
        noisy = corrupt(clean, generator)
        loss = (noisy + correct(noisy) - clean).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(correct.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return Y + correct(Y)
