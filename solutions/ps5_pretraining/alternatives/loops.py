"""Samples, units and codes one at a time; Newton's method for the probe; lists are returned."""

# %% q1_rbm
def free_energy(X, W, b, c):
    values = []
    for x in X:
        total = -float(c @ x)
        for j in range(len(W)):
            a = float(W[j] @ x + b[j])
            total -= abs(a) + math.log1p(math.exp(-2 * abs(a)))
        values.append(total)
    return values


def as_bits(W, b, c):
    m, d = W.shape
    new = [[2 * float(W[j, k]) for k in range(d)] for j in range(m)]
    return new, [2 * float(value) for value in b], [float(c[k]) - sum(float(W[j, k]) for j in range(m)) for k in range(d)]

# %% q2_likelihood
def log_weights(W, b, c):
    # log of the sum over x of e^-E, for each code.
    result = []
    for h in all_spins(len(b)):
        inputs = h @ W + c
        result.append(float(h @ b) + float((inputs.clamp(min=0) + torch.log1p(torch.exp(-inputs.abs()))).sum()))
    return torch.tensor(result, dtype=torch.float64)


def log_likelihood(X, W, b, c):
    log_z, total = float(log_weights(W, b, c).logsumexp(dim=0)), 0.0
    for x in X:
        a = (W @ x + b).abs()
        total += float(c @ x) + float((a + torch.log1p(torch.exp(-2 * a))).sum()) - log_z
    return total / len(X)


def log_likelihood_gradient(X, W, b, c):
    logs = log_weights(W, b, c)
    p = torch.exp(logs - logs.logsumexp(dim=0))
    dW, db, dc = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(c)
    for x in X:
        h = 2 * torch.sigmoid(2 * (W @ x + b)) - 1
        dW += torch.outer(h, x) / len(X)
        db += h / len(X)
        dc += x / len(X)
    for weight, h in zip(p, all_spins(len(b)), strict=True):
        x = torch.sigmoid(h @ W + c)
        dW -= weight * torch.outer(h, x)
        db -= weight * h
        dc -= weight * x
    return dW.tolist(), db.tolist(), dc.tolist()

# %% q3_cd
def gibbs_step(X, W, b, c, u_h, u_x):
    codes, samples = [], []
    for x, u, w in zip(X, u_h, u_x, strict=True):
        p = torch.sigmoid(2 * (W @ x + b))
        h = torch.tensor([1.0 if u[j] < p[j] else -1.0 for j in range(len(b))], dtype=torch.float64)
        q = torch.sigmoid(h @ W + c)
        codes.append(h.tolist())
        samples.append([1.0 if w[k] < q[k] else 0.0 for k in range(len(c))])
    return codes, samples


def pcd_gradient(X, chains, W, b, c, uniforms):
    for u_h, u_x in uniforms:
        u = torch.where(u_h < torch.sigmoid(2 * (chains @ W.T + b)), 1.0, -1.0).double()
        chains = torch.where(u_x < torch.sigmoid(u @ W + c), 1.0, 0.0).double()
    dW, db, dc = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(c)
    for samples, sign in ((X, 1 / len(X)), (chains, -1 / len(chains))):
        H = torch.tanh(samples @ W.T + b)
        for j in range(len(b)):
            dW[j] += sign * (H[:, j : j + 1] * samples).sum(dim=0)
            db[j] += sign * H[:, j].sum()
        dc += sign * samples.sum(dim=0)
    return dW.tolist(), db.tolist(), dc.tolist(), chains.tolist()

# %% q4_greedy
def train_layer(H, start, masks, lr):
    W, b, D, c = start
    for mask in masks:
        steps = [torch.zeros_like(t) for t in (W, b, D, c)]
        for h, m in zip(H, mask, strict=True):
            code = torch.sigmoid(W @ (m * h) + b)
            out = torch.sigmoid(D @ code + c)
            top = 2 * (out - h) * out * (1 - out)
            low = (D.T @ top) * code * (1 - code)
            parts = torch.outer(low, m * h), low, torch.outer(top, code), top
            steps = [step + part / len(H) for step, part in zip(steps, parts, strict=True)]
        W, b, D, c = (t - lr * step for t, step in zip((W, b, D, c), steps, strict=True))
    return W, b, D, c


def greedy(X, starts, masks, lr):
    if not starts:
        return []
    first = train_layer(X, starts[0], masks[0], lr)
    codes = torch.stack([torch.sigmoid(first[0] @ x + first[1]) for x in X])
    return [first, *greedy(codes, starts[1:], masks[1:], lr)]

# %% q5_unroll
def unroll(layers):
    encoder, decoder = (), ()
    for W, b, D, c in layers:
        encoder, decoder = (*encoder, (W, b)), ((D, c), *decoder)
    return encoder, decoder


def allowed_error(X, layers, tau):
    result = []
    for x in X:
        h, left, factor = x, float(tau), 1.0
        for number, (W, b, D, c) in enumerate(layers):
            code = torch.sigmoid(W @ h + b)
            back = D @ code + c
            back = torch.sigmoid(back) if number > 0 else back
            left -= factor * math.sqrt(sum(float(e) ** 2 for e in h - back))
            factor *= math.sqrt(float(torch.linalg.eigvalsh(D @ D.T).max())) / (4 if number > 0 else 1)
            h = code
        result.append(max(left / factor, 0.0))
    return result

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0, anchor=0.0):
    home = [list(pair) for pair in (*encoder, *decoder)]
    now = [list(pair) for pair in home]
    for _ in range(steps):
        sums = [[torch.zeros_like(A), torch.zeros_like(a)] for A, a in now]
        for x in X:
            values = [x]
            for A, a in now:
                values.append(torch.sigmoid(A @ values[-1] + a))
            back = 2 * (values[-1] - x) / len(X)
            for k in reversed(range(len(now))):
                back = back * values[k + 1] * (1 - values[k + 1])
                sums[k][0] += torch.outer(back, values[k])
                sums[k][1] += back
                back = back @ now[k][0]
        for k in range(frozen, len(now)):
            now[k] = [t - lr * s - lr * anchor * (t - t0) for t, s, t0 in zip(now[k], sums[k], home[k], strict=True)]
    return now[: len(encoder)], now[len(encoder) :]

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    terms = {}
    for h, label in zip(H, y.tolist(), strict=True):
        z = V @ h + v
        terms.setdefault(label, []).append(float(torch.logsumexp(z, dim=0) - z[label]))
    means = [sum(some) / len(some) for some in terms.values()]
    return sum(means) / len(means) + 0.5 * penalty * float(V.norm()) ** 2


def fit_probe(H, y, n_classes, penalty):
    # Newton's method with halved steps, about the mean of the codes.
    n, m = H.shape
    centre = H.mean(dim=0)
    A = torch.cat([H - centre, torch.ones(n, 1, dtype=H.dtype)], dim=1)
    Y = functional.one_hot(y, n_classes).to(H.dtype)
    weight = 1 / (n_classes * Y.sum(dim=0))[y]
    ridge = torch.full((n_classes, m + 1), penalty, dtype=H.dtype)
    ridge[:, m] = 1e-9
    theta = torch.zeros(n_classes, m + 1, dtype=H.dtype)

    def value(theta):
        losses = functional.cross_entropy(A @ theta.T, y, reduction="none")
        return (weight * losses).sum() + 0.5 * (ridge * theta**2).sum()

    for _ in range(60):
        P = torch.softmax(A @ theta.T, dim=1)
        gradient = ((P - Y) * weight[:, None]).T @ A + ridge * theta
        if float(gradient.abs().max()) < 1e-8:
            break
        S = (torch.diag_embed(P) - P[:, :, None] * P[:, None, :]) * weight[:, None, None]
        hessian = torch.einsum("nkl,na,nb->kalb", S, A, A).reshape(theta.numel(), -1)
        step = torch.linalg.solve(hessian + torch.diag(ridge.flatten()), gradient.flatten())
        step, length = step.reshape(theta.shape), 1.0
        while value(theta - length * step) > value(theta) and length > 1e-8:
            length /= 2
        theta = theta - length * step
    V = theta[:, :m]
    return V, theta[:, m] - V @ centre

# %% q8_fair
def draw_labelled(y, per_class, generator):
    order = torch.randperm(len(y), generator=generator).tolist()
    draws = []
    for number in per_class:
        left, index = {}, []
        for i in order:
            label = int(y[i])
            if left.setdefault(label, number) > 0:
                left[label] -= 1
                index.append(i)
        draws.append(index)
    return draws


def standardise(H, H_test):
    Z, Z_test = H.clone(), H_test.clone()
    for j in range(H.shape[1]):
        centre = float(H[:, j].sum()) / len(H)
        spread = math.sqrt(sum((float(value) - centre) ** 2 for value in H[:, j]) / len(H))
        if all(float(value) == float(H[0, j]) for value in H[:, j]):
            spread = 1.0
        Z[:, j] = (H[:, j] - centre) / spread
        Z_test[:, j] = (H_test[:, j] - centre) / spread
    return Z.tolist(), Z_test.tolist()

# %% q9_study
def label_study(X, labelled, X_test, n_classes, sizes, seed):
    # A probe by gradient descent with a restart; no function of other questions.
    def codes(row, A):
        if row == 1:
            width = X.shape[1]
            for number, m in enumerate(sizes):
                A = through(A, [Layer(width, m, seed + number).weights()[:2]])
                width = m
        return through(A, trained) if row == 2 else A

    trained = pretrain(X, sizes, seed)
    result = []
    for row in range(3):
        H, H_test = codes(row, X), codes(row, X_test)
        centre, spread = H.mean(dim=0), H.var(dim=0, correction=0).sqrt()
        spread[(H == H[0]).all(dim=0)] = 1.0
        Z, Z_test = (H - centre) / spread, (H_test - centre) / spread
        result.append([])
        for index, classes in labelled:
            middle = Z[index].mean(dim=0)
            A = torch.cat([Z[index] - middle, torch.ones(len(index), 1, dtype=Z.dtype)], dim=1)
            Y = functional.one_hot(classes, n_classes).to(Z.dtype)
            share = (Y / Y.sum(dim=0) / n_classes).sum(dim=1, keepdim=True)
            L = 0.5 * float(torch.linalg.eigvalsh((A * share).T @ A).max()) + PENALTY
            held = torch.full((1, A.shape[1]), PENALTY, dtype=Z.dtype)
            held[0, -1] = 0
            theta = point = torch.zeros(n_classes, A.shape[1], dtype=Z.dtype)
            t = 1.0
            for _ in range(5000):
                slope = ((torch.softmax(A @ point.T, dim=1) - Y) * share).T @ A + held * point
                if float(slope.abs().max()) < 1e-6:
                    break
                new = point - slope / L
                if float((slope * (new - theta)).sum()) > 0:
                    t = 1.0
                after = (1 + math.sqrt(1 + 4 * t * t)) / 2
                point, theta, t = new + (t - 1) / after * (new - theta), new, after
            V = point[:, :-1]
            result[-1].append(torch.softmax((Z_test - middle) @ V.T + point[:, -1], dim=1).tolist())
    return result


def paired_gain(a, b):
    d = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    mean = sum(d) / len(d)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in d) / (len(d) - 1) / len(d))
