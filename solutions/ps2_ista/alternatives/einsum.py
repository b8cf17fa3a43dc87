"""Sums by einsum; the threshold with the lecture's rule or by cutting off; float results of one entry."""

# %% q1_optimality
def subdifferential(h, a, b):
    low = torch.where(h > 0, a, -b)
    return torch.stack([low, torch.where(h == 0, a, low)])


def violation(X, D, H, penalties):
    g = torch.einsum("dj,nd->nj", D, torch.einsum("dj,nj->nd", D, H) - X)
    sizes = torch.where(H != 0, (g + penalties * torch.sign(H)).abs(), torch.relu(g.abs() - penalties))
    return sizes.amax(dim=-1)

# %% q2_prox
def elastic_prox(Z, t, ridge):
    moved = Z - t * torch.sign(Z)
    return torch.where(torch.sign(moved) == torch.sign(Z), moved, 0.0) / (1.0 + ridge)


def group_prox(Z, t):
    squares = torch.einsum("nj,nj->n", Z, Z)
    # For a row of zeros any factor will do.
    factor = torch.relu(1 - t / torch.where(squares > 0, squares, 1.0).sqrt())
    return torch.einsum("n,nj->nj", factor, Z)

# %% q3_clamp
def clamp_step(X, D, H, penalties, width, step):
    R = X - torch.einsum("dj,nj->nd", D, H)
    B = H + step * torch.einsum("dj,nd->nj", D, R)
    pull = step * penalties / (1 + B.abs() / width)
    return torch.sign(B) * torch.clamp(B.abs() - pull, min=0.0)

# %% q4_lipschitz
def lipschitz(D, seen):
    return torch.linalg.eigvalsh(torch.einsum("di,nd,dj->nij", D, seen, D))[:, -1]


def steps_needed(L, distance, accuracy, accelerated):
    bound = L * distance**2
    if accelerated:
        return 1 if bound / 2 <= accuracy else math.ceil(math.sqrt(2 * bound / accuracy)) - 1
    return 1 if bound / 2 <= accuracy else math.ceil(bound / 2 / accuracy)


def distance_bound(X, penalties):
    return torch.einsum("nd,nd->n", X, X) / 2 * (1 / penalties).max()

# %% q5_ista
def ista(X, seen, D, penalties, steps, start, iterations):
    X = torch.nan_to_num(X) * seen
    H, objectives = start, []
    for k in range(iterations + 1):
        R = X - seen * torch.einsum("dj,nj->nd", D, H)
        F = torch.einsum("nd,nd->n", R, R) / 2 + torch.einsum("j,nj->n", penalties, H.abs())
        objectives.append(float(sum(F)) / len(F))
        if k < iterations:
            B = H + torch.einsum("n,dj,nd->nj", steps, D, R)
            t = torch.outer(steps, penalties)
            H = B - torch.maximum(torch.minimum(B, t), -t)
    return H, tuple(objectives)

# %% q6_momentum
def momentum(iterations, restarts):
    def t_of(k):
        """t_k before a restart after step k."""
        if k == 1 or k - 1 == 0:
            return 1.0
        before = 1.0 if k - 1 in restarts else t_of(k - 1)
        return (1 + math.sqrt(1 + 4 * before**2)) / 2

    return torch.tensor(
        [((1.0 if k in restarts else t_of(k)) - 1) / t_of(k + 1) for k in range(1, iterations + 1)]
    )

# %% q6_fista
def fista(X, D, penalties, step, iterations):
    before = H = X.new_zeros(X.shape[0], D.shape[1])
    t = X.new_ones(X.shape[0])
    beta = torch.zeros_like(t)
    objectives = [objective(X, D, H, penalties).mean()]
    for _ in range(iterations):
        Y = H + torch.einsum("n,nj->nj", beta, H - before)
        B = Y + step * torch.einsum("dj,nd->nj", D, X - torch.einsum("dj,nj->nd", D, Y))
        moved = B - step * penalties * torch.sign(B)
        before, H = H, torch.where(torch.sign(moved) == torch.sign(B), moved, 0.0)
        t[torch.einsum("nj,nj->n", Y - H, H - before) > 0] = 1
        after = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        beta, t = (t - 1) / after, after
        objectives.append(objective(X, D, H, penalties).mean())
    return H, objectives

# %% q7_point
def dual_point(X, D, H, penalties):
    R = X - torch.einsum("dj,nj->nd", D, H)
    products = torch.einsum("dj,nd->nj", D, R).abs()
    ratio = torch.where(products <= penalties, 1.0, penalties / products)
    return torch.einsum("n,nd->nd", ratio.amin(dim=1), R)

# %% q7_gap
def duality_gap(X, D, H, penalties):
    R = X - torch.einsum("dj,nj->nd", D, H)
    theta = dual_point(X, D, H, penalties)
    # 1/2 ||r - theta||^2 and the gap of the penalty: both are >= 0.
    linear = torch.einsum("j,nj->n", penalties, H.abs()) - torch.einsum("nd,dj,nj->n", theta, D, H)
    return torch.einsum("nd,nd->n", R - theta, R - theta) / 2 + linear

# %% q8_guarantee
def guaranteed_noise(tau, penalty):
    return max(0.0, tau / 2 - abs(penalty - tau / 2))

# %% q8_break
def breaking_noise(h_true, D, penalty):
    # The nearest point where a support changes, for each coordinate; a zero goes down.
    edges = torch.where(h_true > 0, penalty, -penalty).double()
    moves = edges - h_true
    if bool(((h_true != 0) & (h_true.abs() <= penalty)).any()):
        moves = torch.zeros_like(moves)
    chosen = torch.zeros_like(moves)
    j = moves.abs().argmin()
    chosen[j] = moves[j]
    return torch.einsum("dj,j->d", D, chosen)

# %% q9_update
def coordinate_update(X, D, H, penalties, ridge, j):
    atom = D[:, j]
    others = [k for k in range(D.shape[1]) if k != j]
    z = torch.einsum("nd,d->n", X - torch.einsum("dk,nk->nd", D[:, others], H[:, others]), atom)
    t = float(penalties[j])
    return (z - z.clamp(-t, t)) / (atom.square().sum() + ridge) if atom.any() else 0 * z

# %% q9_sweep
def coordinate_sweep(X, D, H, penalties, ridge):
    H = torch.clone(H)
    R = X - H @ D.T
    for j in range(H.shape[1]):
        atom, old, t = D[:, j], H[:, j].clone(), float(penalties[j])
        z = R @ atom + old * atom.dot(atom)
        H[:, j] = (z - z.clamp(-t, t)) / (atom.dot(atom) + ridge) if atom.any() else 0.0
        R -= torch.outer(H[:, j] - old, atom)
    return H

# %% q10_largest
def largest_penalty(X, D, weights):
    A, B, w = D[:, weights == 0], D[:, weights > 0], weights[weights > 0]
    codes = torch.linalg.solve(A.T @ A, A.T @ X.T) if A.shape[1] else X.new_zeros(0, len(X))
    R = X - torch.einsum("dj,jn->nd", A, codes)
    return torch.einsum("nd,dj->nj", R, B / w).abs().sort(dim=1).values[:, -1]

# %% q10_count
def penalty_for(X, D, count):
    sizes = torch.einsum("nd,dj->nj", X, D).abs()
    return sizes.kthvalue(D.shape[1] - count, dim=1).values if count < D.shape[1] else 0 * X[:, 0]
