"""Everything from the Gram matrix D^T D and the products D^T x, which are formed once."""

# %% q1_optimality
def subdifferential(h, penalty):
    low = torch.full_like(h, -penalty)
    high = torch.full_like(h, penalty)
    low[h > 0] = penalty
    high[h < 0] = -penalty
    return low, high


def violation(X, D, H, penalty):
    downhill = X @ D - H @ (D.T @ D)
    # The distance of downhill from its nearest point in the interval.
    low = torch.where(H > 0, penalty, -penalty)
    high = torch.where(H < 0, -penalty, penalty)
    nearest = torch.minimum(torch.maximum(downhill, low), high)
    return (downhill - nearest).abs().amax(dim=1)

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    G = D.T @ D
    B = H @ (torch.eye(len(G), dtype=G.dtype) - step * G) + step * X @ D
    moved = B - step * penalty * torch.sgn(B)
    return moved * (moved * B > 0)

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.eigvalsh(D.T @ D)[-1]


def steps_needed(L, distance, accuracy):
    needed = (distance / math.sqrt(2 * accuracy / L)) ** 2
    # A bound that is reached exactly may come out above by rounding.
    return max(1, math.ceil(needed - 1e-9))

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    G, C, squares = D.T @ D, X @ D, (X**2).sum(dim=1)
    H = torch.zeros_like(C)

    def mean_objective():
        fit = squares / 2 - (H * C).sum(dim=1) + (H @ G * H).sum(dim=1) / 2
        return (fit + penalty * H.abs().sum(dim=1)).mean().item()

    objectives = [mean_objective()]
    for _ in range(iterations):
        B = H - step * (H @ G - C)
        H = torch.maximum(B - step * penalty, torch.zeros_like(B)) + torch.minimum(
            B + step * penalty, torch.zeros_like(B)
        )
        objectives.append(mean_objective())
    return H, objectives

# %% q6_fista
def momentum(iterations):
    t = 1.0
    weights = []
    while len(weights) < iterations:
        t, before = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
        weights += [(before - 1) / t]
    return weights


def fista(X, D, penalty, step, iterations):
    # In terms of the extrapolation from the two codes before, without a stored y.
    G, C = D.T @ D, X @ D
    before = H = torch.zeros_like(C)
    objectives = [float(objective(X, D, H, penalty).mean())]
    for weight in [0.0, *momentum(iterations)][:iterations]:
        Y = (1 + weight) * H - weight * before
        B = Y - step * (Y @ G - C)
        before, H = H, torch.sign(B) * torch.relu(B.abs() - step * penalty)
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives

# %% q7_gap
def dual_point(X, D, H, penalty):
    largest = (X @ D - H @ (D.T @ D)).abs().amax(dim=1)
    s = torch.where(largest > penalty, penalty / largest, torch.ones_like(largest))
    return torch.diag(s) @ (X - H @ D.T)


def duality_gap(X, D, H, penalty):
    R = X - H @ D.T
    theta = dual_point(X, D, H, penalty)
    # 1/2 ||r - theta||^2 and the gap of the penalty: both are >= 0.
    return ((R - theta) ** 2).sum(dim=1) / 2 + penalty * H.abs().sum(dim=1) - (theta @ D * H).sum(dim=1)

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    G = D.T @ D
    z = (X @ D)[:, j] - H @ G[:, j] + H[:, j] * G[j, j]
    z = z / G[j, j]
    t = penalty / G[j, j]
    return torch.where(z.abs() > t, z - t * z.sign(), torch.zeros_like(z))

# %% q10_path
def largest_penalty(X, D):
    products = X @ D
    return torch.maximum(products.amax(dim=1), -products.amin(dim=1))


def orthonormal_path(x, D, penalties):
    z = (x @ D).expand(len(penalties), -1)
    t = penalties.unsqueeze(1)
    return torch.relu(z - t) - torch.relu(-z - t)
