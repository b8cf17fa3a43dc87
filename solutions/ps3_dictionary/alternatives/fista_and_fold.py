"""Other solvers: FISTA with restart, least squares for the dictionary, fold for the patches."""

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    D, history = D.clone(), []
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    for _ in range(iterations):
        L = torch.linalg.matrix_norm(D, 2) ** 2
        V, t = H, 1.0
        for _ in range(5000):
            new = soft_threshold(V - (V @ D.T - X) @ D / L, penalty / L)
            after = (1 + math.sqrt(1 + 4 * t * t)) / 2
            if ((V - new) * (new - H)).sum() > 0:  # the momentum points uphill: restart
                V, after = new, 1.0
            else:
                V = new + (t - 1) / after * (new - H)
            done = (new - H).abs().max() <= 1e-12 * X.abs().max()
            H, t = new, after
            if done:
                break
        taken = torch.zeros(len(X), dtype=torch.bool)
        for j in range(D.shape[1]):
            E = X - H @ D.T
            if H[:, j].abs().sum() > 0:
                D[:, j] = torch.nn.functional.normalize((E + torch.outer(H[:, j], D[:, j])).T @ H[:, j], dim=0, eps=0.0)
            else:
                worst = E.square().sum(dim=1).masked_fill(taken, -1.0).argmax()
                taken[worst] = True
                D[:, j] = X[worst] / X[worst].norm()
        history.append(0.5 * ((X - H @ D.T) ** 2).sum(dim=1).mean() + penalty * H.abs().sum(dim=1).mean())
    return H, D, history

# %% q8_mean
def remove_mean(P, known):
    mean = torch.nan_to_num(torch.where(known == 1, P, math.nan).nanmean(dim=1), nan=0.0)
    return torch.where(known == 1, P - mean.unsqueeze(1), 0.0), mean

# %% q8_assemble
def assemble(P, weights, height, width, size, stride):
    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], (height, width), size, stride=stride)[0, 0]

    W = weights.unsqueeze(1).expand(-1, size * size)
    return add_up(W * P) / add_up(W)

# %% q9_denoise
def denoise(Y, D, sigma, c, mu):
    # The penalty of an atom of another length is its length times the penalty: FISTA with D as given.
    size = math.isqrt(len(D))
    P = all_patches(Y, size)
    mean = P.mean(dim=1, keepdim=True)
    L = float(torch.linalg.matrix_norm(D, 2)) ** 2
    gram, target = D.T @ D / L, (P - mean) @ D / L
    t_j = c * sigma * D.norm(dim=0) / L
    H = V = torch.zeros_like(target)
    t = 1.0
    for _ in range(3000):
        new = soft_threshold(V - V @ gram + target, t_j)
        after = (1 + math.sqrt(1 + 4 * t * t)) / 2
        if ((V - new) * (new - H)).sum() > 0:
            V, after = new, 1.0
        else:
            V = new + (t - 1) / after * (new - H)
        moved = ((new - H) * D.norm(dim=0)).abs().max()
        H, t = new, after
        if moved <= 1e-8 * Y.abs().max():
            break

    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], Y.shape, size)[0, 0]

    number = add_up(torch.ones_like(P))
    average = add_up(H @ D.T + mean) / number
    return average + mu / (mu + number) * (Y - average)
