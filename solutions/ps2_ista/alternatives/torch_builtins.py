"""PyTorch's own softshrink, norms and least squares; small helpers shared between the functions of a cell."""

# %% q1_optimality
def subdifferential(h, a, b):
    heaviside = torch.heaviside
    zero, one = torch.zeros(1).double(), torch.ones(1).double()
    low = (a + b) * heaviside(h, zero) - b
    high = (a + b) * heaviside(h, one) - b
    return low, high


def violation(X, D, H, penalties):
    minus_g = torch.nn.functional.linear(X - torch.nn.functional.linear(H, D), D.T)
    distances = torch.where(
        H == 0,
        (minus_g - torch.clamp(minus_g, -penalties, penalties)).abs(),
        (minus_g - torch.copysign(penalties.expand_as(H), H)).abs(),
    )
    return torch.linalg.vector_norm(distances, ord=torch.inf, dim=1)

# %% q2_prox
def elastic_prox(Z, t, ridge):
    if isinstance(t, float):
        return torch.nn.functional.softshrink(Z, t) / (1 + ridge)
    return (Z - torch.clamp(Z, -t, t)).div(1 + ridge)


def group_prox(Z, t):
    # The part taken away is the row itself, or t times its direction.
    taken = torch.renorm(Z, p=2, dim=0, maxnorm=t) if t > 0 else 0 * Z
    lengths = Z.norm(dim=1, keepdim=True)
    return torch.where(lengths <= t, 0.0, torch.nn.functional.normalize(Z, eps=0.0) * (lengths - t)) + 0 * taken

# %% q3_clamp
def clamp_step(X, D, H, penalties, width, step):
    B = torch.addmm(H, X - H @ D.T, D, alpha=step)
    A = B.clone().requires_grad_()
    value = (penalties * width * torch.log1p(A.abs() / width)).sum()
    (slope,) = torch.autograd.grad(value, A)
    moved = B - step * slope
    return torch.where(moved.sign() == B.sign(), moved, 0.0)

# %% q4_lipschitz
def lipschitz(D, seen):
    return torch.linalg.svdvals(torch.diag_embed(seen) @ D)[:, 0].square()


def steps_needed(L, distance, accuracy, accelerated):
    if not accelerated:
        return max(1, -int(-L * distance**2 // (2 * accuracy)))
    return max(2, math.ceil(math.sqrt(2 * L * distance**2 / accuracy))) - 1


def distance_bound(X, penalties):
    return torch.linalg.vector_norm(X, dim=1).square().div(2 * torch.amin(penalties))

# %% q5_ista
def ista(X, seen, D, penalties, steps, start, iterations):
    mask = seen.bool()

    def objectives_of(H):
        error = torch.where(mask, X - H @ D.T, 0.0)
        return (error.square().sum(1) / 2 + torch.mv(H.abs(), penalties)).mean()

    H, objectives = start, [objectives_of(start)]
    for _ in range(iterations):
        B = H + steps.view(-1, 1) * (torch.where(mask, X - H @ D.T, 0.0) @ D)
        t = torch.outer(steps, penalties)
        H = B - torch.clamp(B, -t, t)
        objectives.append(objectives_of(H))
    return H, torch.stack(objectives)

# %% q6_momentum
def momentum(iterations, restarts):
    t, weights = torch.tensor(1.0, dtype=torch.float64), []
    for k in range(1, iterations + 1):
        if k in restarts:
            t = torch.ones_like(t)
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        weights.append((t - 1) / following)
        t = following
    return torch.stack(weights)

# %% q6_fista
def fista(X, D, penalties, step, iterations):
    H = X.new_zeros(X.shape[0], D.shape[1])
    Y, t = H.clone(), X.new_ones(X.shape[0], 1)
    objectives = [objective(X, D, H, penalties).mean()]
    for _ in range(iterations):
        B = torch.addmm(Y, X - Y @ D.T, D, alpha=step)
        new = B - torch.clamp(B, -step * penalties, step * penalties)
        restart = torch.linalg.vecdot(Y - new, new - H)[:, None] > 0
        t = t.masked_fill(restart, 1.0)
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        Y = torch.lerp(H, new, 1 + (t - 1) / following)
        H, t = new, following
        objectives.append(objective(X, D, H, penalties).mean())
    return H, objectives

# %% q7_point
def dual_point(X, D, H, penalties):
    R = X - H @ D.T
    products = (R @ D).abs()
    # The denominator is the larger of the two; where both are zero, the atom asks nothing.
    ratios = penalties / torch.maximum(products, penalties.expand_as(products))
    return R * torch.nan_to_num(ratios, nan=1.0).amin(dim=1, keepdim=True)

# %% q7_gap
def duality_gap(X, D, H, penalties):
    theta = dual_point(X, D, H, penalties)
    dual = torch.linalg.vecdot(theta, X) - theta.square().sum(1) / 2
    return objective(X, D, H, penalties).sub(dual)

# %% q8_guarantee
def guaranteed_noise(tau, penalty):
    return sorted([0.0, penalty, tau - penalty])[1] if penalty < tau else 0.0

# %% q8_break
def breaking_noise(h_true, D, penalty):
    sizes = h_true.abs()
    room = torch.where(sizes > 0, sizes - penalty, torch.full_like(sizes, penalty)).clamp(min=0)
    least, j = room.min(dim=0)
    toward = torch.where(sizes[j] > 0, -h_true[j].sign(), torch.ones_like(least))
    return least * toward * D.select(1, int(j))

# %% q9_update
def coordinate_update(X, D, H, penalties, ridge, j):
    others = H.index_fill(1, torch.tensor(j), 0.0)
    z = torch.mv(X - others @ D.T, D[:, j])
    square = torch.dot(D[:, j], D[:, j])
    return torch.nn.functional.softshrink(z, float(penalties[j])) / torch.where(square > 0, square + ridge, torch.inf)

# %% q9_sweep
def coordinate_sweep(X, D, H, penalties, ridge):
    for j in range(D.shape[1]):
        new = coordinate_update(X, D, H, penalties, ridge, j)
        H = torch.cat([H[:, :j], new[:, None], H[:, j + 1 :]], dim=1)
    return H

# %% q10_largest
def largest_penalty(X, D, weights):
    free, priced = D[:, weights == 0], D[:, weights != 0] / weights[weights != 0]
    if free.numel():
        X = X - (free @ torch.linalg.lstsq(free, X.T).solution).T
    return torch.linalg.vector_norm(X @ priced, ord=torch.inf, dim=1)

# %% q10_count
def penalty_for(X, D, count):
    sizes = torch.nn.functional.pad((X @ D).abs(), (0, 1))
    return torch.sort(sizes, dim=1, descending=True)[0][:, count]
