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

# %% q8_patches
def remove_mean(P):
    mean = P @ torch.full((P.shape[1],), 1 / P.shape[1], dtype=P.dtype)
    return P - mean.unsqueeze(1), mean


def assemble(P, height, width, size, stride):
    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], (height, width), size, stride=stride)[0, 0]

    return add_up(P) / add_up(torch.ones_like(P))

# %% q9_denoise
def denoise(Y, D, sigma):
    # FISTA for all patches at once, with the weaker of two penalties that work.
    size = math.isqrt(len(D))
    P = all_patches(Y, size)
    mean = P.mean(dim=1, keepdim=True)
    L = float(torch.linalg.matrix_norm(D, 2)) ** 2
    gram, target = D.T @ D / L, (P - mean) @ D / L
    H = V = torch.zeros_like(target)
    t = 1.0
    for _ in range(60):
        new = soft_threshold(V - V @ gram + target, 1.6 * sigma / L)
        after = (1 + math.sqrt(1 + 4 * t * t)) / 2
        V, H, t = new + (t - 1) / after * (new - H), new, after

    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], Y.shape, size)[0, 0]

    return add_up(H @ D.T + mean) / add_up(torch.ones_like(P))
