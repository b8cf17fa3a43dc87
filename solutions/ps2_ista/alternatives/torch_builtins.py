"""PyTorch's own softshrink, hardshrink and norms; in-place steps on tensors of its own."""

# %% q2_threshold
def soft_threshold(Z, t):
    if isinstance(t, float):
        return torch.nn.functional.softshrink(Z, t)
    return Z - torch.clamp(Z, -t, t)

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.norm(D, ord=2).square()


def steps_needed(L, distance, accuracy):
    return max(1, -int(-L * distance**2 // (2 * accuracy)))

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = X.new_zeros(X.shape[0], D.shape[1])
    objectives = [objective(X, D, H, penalty).mean()]
    for _ in range(iterations):
        H = torch.nn.functional.softshrink(torch.addmm(H, X - H @ D.T, D, alpha=step), step * penalty)
        objectives.append(objective(X, D, H, penalty).mean())
    return H, objectives

# %% q6_fista
def momentum(iterations):
    t, weights = torch.tensor(1.0, dtype=torch.float64), []
    for _ in range(iterations):
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        weights.append((t - 1) / following)
        t = following
    return weights


def fista(X, D, penalty, step, iterations):
    H = X.new_zeros(X.shape[0], D.shape[1])
    Y = H.clone()
    objectives = [objective(X, D, H, penalty).mean()]
    for weight in momentum(iterations):
        new = torch.nn.functional.softshrink(Y.sub_((Y @ D.T - X) @ D, alpha=step), step * penalty)
        Y = torch.lerp(H, new, 1 + float(weight))
        H = new
        objectives.append(objective(X, D, H, penalty).mean())
    return H, objectives

# %% q7_gap
def dual_point(X, D, H, penalty):
    R = X - H @ D.T
    # Division by zero gives infinity, and the smaller of it and one is one.
    return R * (penalty / torch.linalg.vector_norm(R @ D, ord=float("inf"), dim=1, keepdim=True)).clamp(max=1)


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    dual = torch.linalg.vecdot(theta, X) - theta.square().sum(1) / 2
    return objective(X, D, H, penalty).sub(dual)

# %% q8_recovery
def one_step(X, D, tau):
    return torch.nn.functional.softshrink(X @ D, tau / 2)


def recovery_rate(H, H_true):
    return 1 - torch.logical_xor(H.bool(), H_true.bool()).any(dim=1).double().mean()


def guaranteed_noise(tau, penalty):
    return torch.relu(torch.minimum(torch.tensor(penalty), torch.tensor(tau - penalty)).double())

# %% q9_sweep
def coordinate_sweep(X, D, H, penalty):
    H, G, C = H.clone(), D.T @ D, X @ D
    for j in range(len(G)):
        z = C[:, j] - H @ G[:, j] + G[j, j] * H[:, j]
        H[:, j] = torch.nn.functional.softshrink(z, penalty) / G[j, j]
    return H

# %% q10_path
def largest_penalty(X, D):
    return torch.linalg.vector_norm(X @ D, ord=torch.inf, dim=1)


def orthonormal_path(x, D, penalties):
    return torch.stack([torch.nn.functional.softshrink(x @ D, float(t)) for t in penalties])
