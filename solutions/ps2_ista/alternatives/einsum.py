"""Sums by einsum; the threshold with the lecture's rule everywhere; float results of one entry."""

# %% q1_optimality
def subdifferential(h, penalty):
    return penalty * torch.where(h > 0, 1.0, -1.0).double(), penalty * torch.where(h < 0, -1.0, 1.0).double()


def violation(X, D, H, penalty):
    g = torch.einsum("dj,nd->nj", D, torch.einsum("dj,nj->nd", D, H) - X)
    sizes = torch.where(H != 0, torch.abs(g + penalty * torch.sign(H)), torch.relu(torch.abs(g) - penalty))
    return sizes.max(dim=-1)[0]

# %% q2_threshold
def soft_threshold(Z, t):
    moved = Z - t * torch.sign(Z)
    return torch.where(torch.sign(moved) == torch.sign(Z), moved, 0.0)

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    R = X - torch.einsum("dj,nj->nd", D, H)
    B = H + step * torch.einsum("dj,nd->nj", D, R)
    return torch.sign(B) * torch.clamp(torch.abs(B) - step * penalty, min=0.0)

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.svdvals(torch.einsum("dj,ej->de", D, D)).max().reshape(1)


def steps_needed(L, distance, accuracy):
    bound = L * distance**2 / 2
    return 1 if bound <= accuracy else math.ceil(bound / accuracy)

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = torch.zeros((X.shape[0], D.shape[1]), dtype=torch.float64)
    objectives = []
    for k in range(iterations + 1):
        R = X - torch.einsum("dj,nj->nd", D, H)
        F = torch.einsum("nd,nd->n", R, R) / 2 + penalty * torch.einsum("nj,nj->n", H, H.sign())
        objectives.append(float(sum(F)) / len(F))
        if k < iterations:
            B = H + step * torch.einsum("dj,nd->nj", D, R)
            moved = B - step * penalty * torch.sign(B)
            H = torch.where(torch.sign(moved) == torch.sign(B), moved, 0.0)
    return H, tuple(objectives)

# %% q8_recovery
def one_step(X, D, tau):
    b = torch.einsum("dj,nd->nj", D, X)
    moved = b - tau / 2 * torch.sign(b)
    return torch.where(moved * b > 0, moved, 0.0)


def recovery_rate(H, H_true):
    wrong = ((H == 0) != (H_true == 0)).sum(dim=1)
    return (wrong == 0).sum() / len(H)


def guaranteed_noise(tau, penalty):
    return max(0.0, tau / 2 - abs(penalty - tau / 2))

# %% q10_path
def largest_penalty(X, D):
    return torch.einsum("nd,dj->nj", X, D).abs().sort(dim=1).values[:, -1]


def orthonormal_path(x, D, penalties):
    z = torch.einsum("d,dj->j", x, D)
    return torch.sign(z)[None] * torch.clamp(torch.abs(z)[None] - penalties[:, None], min=0)
