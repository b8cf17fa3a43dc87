"""Solvers built from a step that calls itself, and t_k by recursion; the residual is kept up to date."""

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    if iterations == 0:
        H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
        return H, [float(objective(X, D, H, penalty).mean())]
    H, objectives = ista(X, D, penalty, step, iterations - 1)
    B = H - step * (H @ D.T - X) @ D
    H = B - B.clamp(-step * penalty, step * penalty)
    return H, [*objectives, float(objective(X, D, H, penalty).mean())]

# %% q6_fista
def t_of(k):
    return 1.0 if k == 1 else (1 + math.sqrt(1 + 4 * t_of(k - 1) ** 2)) / 2


def momentum(iterations):
    return [(t_of(k) - 1) / t_of(k + 1) for k in range(1, iterations + 1)]


def fista(X, D, penalty, step, iterations):
    # Beck and Teboulle's own arrangement: y is updated with t and the next t at the end of a step.
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    Y, t = H.clone(), 1.0
    objectives = [float(objective(X, D, H, penalty).mean())]
    for _ in range(iterations):
        B = Y + step * (X - Y @ D.T) @ D
        new = B - B.clamp(-step * penalty, step * penalty)
        t_next = (1 + math.sqrt(1 + 4 * t * t)) / 2
        Y = new + (t - 1) / t_next * (new - H)
        H, t = new, t_next
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    atom = D[:, j]
    others = [k for k in range(D.shape[1]) if k != j]
    z = (X - H[:, others] @ D[:, others].T) @ atom
    return (z - z.clamp(-penalty, penalty)) / atom.square().sum()

# %% q9_sweep
def coordinate_sweep(X, D, H, penalty):
    H = torch.clone(H)
    R = X - H @ D.T
    for j in range(H.shape[1]):
        atom, old = D[:, j], H[:, j].clone()
        z = R @ atom + old * atom.dot(atom)
        H[:, j] = (z - z.clamp(-penalty, penalty)) / atom.dot(atom)
        R -= torch.outer(H[:, j] - old, atom)
    return H
