"""Sample by sample and entry by entry, in loops; the network has two hidden layers and goes through epochs."""

# %% q1_losses
def best_gaussian(A, X):
    n, d = X.shape
    stds, loss = [], 0.0
    for j in range(d):
        total = sum(float(X[i, j] - A[i, j]) ** 2 for i in range(n))
        stds.append(math.sqrt(total / n))
        for i in range(n):
            loss += 0.5 * math.log(2 * math.pi * total / n) / n
            loss += float(X[i, j] - A[i, j]) ** 2 / (2 * total / n) / n
    return stds, loss


def bernoulli_loss(A, X):
    total = 0.0
    for a, x in zip(A.flatten().tolist(), X.flatten().tolist(), strict=True):
        if not math.isnan(x):
            total += (1 - x) * a if a > 0 else -x * a
            total += math.log1p(math.exp(-abs(a)))
    return total / len(X)


def least_bernoulli_loss(X, codes):
    groups = {}
    for x, code in zip(X.tolist(), codes.tolist(), strict=True):
        groups.setdefault(code, []).append(x)
    total = 0.0
    for group in groups.values():
        for column in zip(*group):
            p = min(1.0, sum(column) / len(column))
            for q in (p, 1 - p):
                total -= len(column) * q * math.log(q) if q > 0 else 0.0
    return total / len(X)

# %% q2_tied
def tied_gradients(X, W, b, c):
    loss, dW, db, dc = 0.0, torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(c)
    for x in X:
        h = torch.sigmoid(W @ x + b)
        a = W.T @ h + c
        loss += float((torch.logaddexp(a, torch.zeros_like(a)) - x * a).sum())
        da = torch.sigmoid(a) - x
        dz = (W @ da) * h * (1 - h)
        dW += torch.outer(dz, x) + torch.outer(h, da)
        db += dz
        dc += da
    n = len(X)
    return loss / n, dW / n, db / n, dc / n



def weight_pulls(X, W, b, c):
    pulls = []
    for x in X:
        h = torch.sigmoid(W @ x + b)
        da = torch.sigmoid(W.T @ h + c) - x
        dz = (W @ da) * h * (1 - h)
        pulls.append(float((torch.outer(dz, x) + torch.outer(h, da)).norm()))
    return pulls

# %% q3_penalties
def l1_penalty(H, D):
    n, m = H.shape
    value, dH, dD = 0.0, torch.zeros_like(H), torch.zeros_like(D)
    for j in range(m):
        length = math.sqrt(sum(v * v for v in D[:, j].tolist()))
        for i in range(n):
            h = float(H[i, j])
            value += abs(h) * length / n
            dH[i, j] = ((h > 0) - (h < 0)) * length / n
            if length > 0:
                dD[:, j] += abs(h) / n * D[:, j] / length
    return value, dH, dD


def kl_penalty(Z, rate):
    n, m = Z.shape
    value, dZ = 0.0, torch.zeros_like(Z)

    def log_sum(numbers):
        top = max(numbers)
        return top + math.log(sum(math.exp(v - top) for v in numbers))

    def log_sigmoid(z):
        return min(z, 0.0) - math.log1p(math.exp(-abs(z)))

    for j in range(m):
        on = [log_sigmoid(z) for z in Z[:, j].tolist()]
        off = [log_sigmoid(-z) for z in Z[:, j].tolist()]
        value += rate * (math.log(rate * n) - log_sum(on))
        value += (1 - rate) * (math.log((1 - rate) * n) - log_sum(off))
        for i in range(n):
            dZ[i, j] = (1 - rate) * math.exp(on[i] + off[i] - log_sum(off))
            dZ[i, j] -= rate * math.exp(on[i] + off[i] - log_sum(on))
    return value, dZ

# %% q4_ksparse
def k_sparse(A, k):
    H = torch.zeros_like(A)
    for i, row in enumerate(A.tolist()):
        for j in sorted(range(len(row)), key=lambda j: -row[j])[: int(k[i])]:
            H[i, j] = row[j]
    return H


def k_sparse_backward(A, k, dH):
    dA = torch.zeros_like(A)
    for i in range(len(A)):
        places = A[i].topk(int(k[i])).indices
        dA[i, places] = dH[i, places]
    return dA

# %% q5_corruptions
def mask(X, rate, generator):
    Y = X.clone()
    for y in Y:
        y[torch.rand(len(y), dtype=X.dtype, generator=generator) < rate] = 0
    return Y


def salt_and_pepper(X, rate, generator):
    Y = X.clone()
    for y in Y:
        u = torch.rand(len(y), dtype=X.dtype, generator=generator)
        y[u < rate / 2] = 0
        y[u > 1 - rate / 2] = 1
        if rate == 1:
            y[u == 0.5] = 1
    return Y


def matching_rates(X, std):
    zero, one = 0.0, 0.0
    for x in X.flatten().tolist():
        zero += x * x
        one += (1 - x) * (1 - x)
    count = X.shape[0] * X.shape[1]
    return count * std * std / zero, 2 * count * std * std / (zero + one)

# %% q6_mixture
def posterior_mean(Y, std, weights, means, variances):
    rows = []
    for y in Y:
        logs, guesses = [], []
        for w, mu, v in zip(weights, means, variances, strict=True):
            s = v + std**2
            logs.append(torch.log(w) - len(y) / 2 * torch.log(s) - (y - mu) @ (y - mu) / (2 * s))
            guesses.append((v * y + std**2 * mu) / s)
        p = torch.exp(torch.stack(logs) - torch.logsumexp(torch.stack(logs), dim=0))
        rows.append(p @ torch.stack(guesses))
    return torch.stack(rows)


def score(Y, std, weights, means, variances):
    rows = []
    for y in Y:
        s = variances + std**2
        logs = weights.log() - len(y) / 2 * s.log() - ((y - means) ** 2).sum(dim=1) / (2 * s)
        rows.append(torch.softmax(logs, dim=0) @ ((means - y) / s[:, None]))
    return torch.stack(rows)

# %% q7_linear
def linear_denoise(X, std, Y):
    n = len(X)
    K = torch.zeros(n, n, dtype=X.dtype)
    for i in range(n):
        K[i] = X @ (X[i] / std**2) / n
        K[i, i] += 1
    inverse = torch.linalg.inv(K)
    rows = []
    for y in Y:
        rows.append((inverse @ (X @ (y / std**2)) / n) @ X)
    return torch.stack(rows)


def linear_unmasker(X, rates):
    d = X.shape[1]
    S = X.T @ X / len(X)
    seen, cross = S.clone(), S.clone()
    for j in range(d):
        for k in range(d):
            seen[j, k] *= 1 - rates[j]
            if j != k:
                seen[j, k] *= 1 - rates[k]
            cross[j, k] *= 1 - rates[k]
    # One system of equations for each row of P.
    return torch.stack([torch.linalg.solve(seen, cross[j]) for j in range(d)])

# %% q8_contractive
def jacobian_penalty(X, W, b):
    total, m = 0.0, len(W)
    inner = [[float(W[j] @ W[k]) for k in range(m)] for j in range(m)]
    for x in X:
        h = torch.sigmoid(W @ x + b).tolist()
        for j in range(m):
            for k in range(m):
                total += h[j] * (1 - h[j]) * h[k] * (1 - h[k]) * inner[j][k] ** 2
    return total / len(X)


def jacobian_gradients(X, W, b):
    dW, db, m = torch.zeros_like(W), torch.zeros_like(b), len(W)
    for x in X:
        h = torch.sigmoid(W @ x + b)
        v = h * (1 - h)
        for j in range(m):
            through_slope = 0.0
            for k in range(m):
                inner = W[j] @ W[k]
                through_slope += 2 * v[k] * inner**2
                dW[j] += 4 * v[j] * v[k] * inner * W[k] / len(X)
            through_slope *= v[j] * (1 - 2 * h[j]) / len(X)
            dW[j] += through_slope * x
            db[j] += through_slope
    return dW, db

# %% q9_hutchinson
def asymmetry(r, X, V):
    estimates = torch.zeros(len(X), dtype=X.dtype)
    for i, x in enumerate(X):
        for v in V[:, i]:
            forward = torch.autograd.functional.jvp(r, x[None], v[None])[1]
            back = torch.autograd.functional.vjp(r, x[None], v[None])[1]
            estimates[i] += ((forward - back) ** 2).sum() / len(V)
    return estimates


def hutchinson_variance(J, kurtosis, p):
    answer = []
    for one in J:
        everything = sum(float(a @ b) ** 2 for a in one for b in one)
        diagonal = float(((one**2).sum(dim=0) ** 2).sum())
        answer.append((2 * everything + (kurtosis - 3) * diagonal) / p)
    return answer

# %% q10_cheat
def cheat(W, b, D, eps):
    W, b, D = W.clone(), b.clone(), D.clone()
    for j, factor in enumerate(eps.tolist()):
        W[j] *= factor
        b[j] *= factor
        D[:, j] /= factor
    return W, b, D


def balanced_scales(X, W, b, D, decay):
    scales = []
    for j in range(len(W)):
        paid = sum(float(W[j] @ W[j]) for x in X if float(W[j] @ x + b[j]) > 0) / len(X)
        scales.append((decay * float(D[:, j] @ D[:, j]) / paid) ** 0.25)
    return scales


def spend(variances, budget):
    values = variances.tolist()
    low, high = 0.0, 2 * max(values)
    for _ in range(100):
        gamma = (low + high) / 2
        if sum(max(0.0, 1 - gamma / 2 / v) for v in values) > budget:
            low = gamma
        else:
            high = gamma
    return [max(0.0, 1 - gamma / 2 / v) for v in values], gamma

# %% q11_train
def learn_to_denoise(X, corrupt, X_noisy, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    Y, d = X_noisy.float(), X.shape[1]
    layers = [torch.nn.Linear(d, 160), torch.nn.GELU(), torch.nn.Linear(160, 160), torch.nn.GELU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(160, d))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    epochs = 1200 * 100 // len(X)
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / epochs)
        for clean in X[torch.randperm(len(X))].split(100):
            logits = model(corrupt(clean, generator).float())
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, clean.float(), reduction="sum") / len(clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return torch.sigmoid(model(Y))
