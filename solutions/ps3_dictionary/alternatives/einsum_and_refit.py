"""Einstein sums; gradients with the matrices H^T H and X^T H; denoising refits the codes kept."""

# %% q1_objective
def objective(X, D, H, penalty, counts):
    share = counts / counts.sum()
    residual = X - torch.einsum("nm,dm->nd", H, D)
    misfit = torch.einsum("n,nd,nd->", share, residual, residual) / 2
    return misfit + penalty * torch.einsum("n,nm->", share, H.abs())

# %% q1_lengths
def cheating_lengths(H):
    # A bisection for the multiplier mu of s_j / c_j^2 = 2 mu c_j.
    s = H.abs().sum(dim=0) / H.abs().sum()
    low, high = -100.0, 100.0
    for _ in range(200):
        mu = (low + high) / 2
        c = torch.pow(s * math.exp(mu), 1 / 3)
        if float(c @ c) > len(s):
            high = mu
        else:
            low = mu
    return c

# %% q2_normalise
def normalise(D, H, penalties):
    length = torch.einsum("dm,dm->m", D, D).sqrt()
    zero = length == 0
    return torch.where(zero, D, D / length), torch.where(zero, H, H * length), torch.where(zero, penalties, penalties / length)

# %% q3_codes
def ista_codes(X, D, W, penalty, H, steps):
    second = torch.einsum("dm,nd,dk->nmk", D, W, D)
    target = torch.einsum("nd,nd,dm->nm", W, X, D)
    largest = torch.linalg.eigvalsh(second)[:, -1:]
    for _ in range(steps):
        B = H - (torch.einsum("nmk,nk->nm", second, H) - target) / largest
        # Soft thresholding takes away what lies between -t and t.
        H = B - torch.minimum(torch.maximum(B, -penalty / largest), penalty / largest)
    return H

# %% q4_gradient
def dictionary_gradient(X, D, H, delta):
    R = X - torch.einsum("nm,dm->nd", H, D)
    return -delta / len(X) * torch.einsum("nd,nm->dm", torch.sin(torch.atan(R / delta)), H)

# %% q5_step
def dictionary_step(X, D, H, W):
    # Without the 1/n in both gradient and L.
    A = torch.einsum("ni,nk,nj->kij", H, W, H)
    B = torch.einsum("nk,nk,nj->kj", W, X, H)
    largest = float(torch.linalg.matrix_norm(A, 2).amax())
    if largest == 0:
        return D
    moved = D - (torch.einsum("kj,kij->ki", D, A) - B) / largest
    keep = (moved == 0).all(dim=0)
    return torch.where(keep, D, torch.nn.functional.normalize(moved, dim=0, eps=0.0))

# %% q6_atom
def update_atom(X, D, H, j):
    A, B = H.T @ H, X.T @ H
    if A[j, j] == 0:
        return D[:, j].clone()
    best = B[:, j] - D @ A[:, j] + D[:, j] * A[j, j]
    if best.max() > 0:
        return torch.nn.functional.normalize(torch.relu(best), dim=0, eps=0.0)
    return torch.nn.functional.one_hot(best.argmax(), len(best)).double()

# %% q7_match
def match_atoms(D, D_true):
    A = torch.nn.functional.normalize(D, dim=0)
    B = torch.nn.functional.normalize(D_true, dim=0)
    cosine = torch.einsum("dm,dk->mk", A, B)
    rows, columns = linear_sum_assignment((1 - cosine.abs()).numpy())
    permutation = np.empty(B.shape[1], dtype=int)
    permutation[columns] = rows
    partner = torch.einsum("dk,dk->k", A[:, permutation], B)
    return permutation, torch.where(partner < 0, -1.0, 1.0), partner.abs()

# %% q7_recover
def recover(X, starts, penalty, iterations):
    def value(D):
        H = lasso_codes(X, D, penalty)
        R = X - torch.einsum("nm,dm->nd", H, D)
        return torch.einsum("nd,nd->", R, R) / (2 * len(X)) + penalty * H.abs().sum(dim=1).mean()

    ends = []
    for start in starts:
        D = start
        for _ in range(iterations):
            H = lasso_codes(X, D, penalty)
            A, B, D = H.T @ H, X.T @ H, D.clone()
            for j in torch.nonzero(A.diagonal()).flatten().tolist():
                D[:, j] = torch.nn.functional.normalize(B[:, j] - D @ A[:, j] + D[:, j] * A[j, j], dim=0, eps=0.0)
        ends.append(D)
    values = torch.stack([value(D) for D in ends])
    which = values.argmin()
    return ends[which], values[which], which

# %% q8_assemble
def assemble(P, weights, height, width, size, stride):
    # Least squares for all pixels at once: the normal equations are diagonal.
    place = all_patches(torch.arange(height * width).reshape(height, width), size, stride)
    total = torch.zeros(height * width, dtype=P.dtype)
    count = torch.zeros(height * width, dtype=P.dtype)
    total.index_add_(0, place.flatten(), (weights[:, None] * P).flatten())
    count.index_add_(0, place.flatten(), weights.repeat_interleave(size * size))
    return (total / count).reshape(height, width)

# %% q9_denoise
def denoise(Y, D, sigma, c, mu):
    size = math.isqrt(len(D))
    D = torch.nn.functional.normalize(D, dim=0, eps=0.0)
    P = all_patches(Y, size)
    mean = P.mean(dim=1, keepdim=True)
    H = lasso_codes(P - mean, D, c * sigma, tol=1e-7)
    rebuilt = torch.einsum("nm,dm->nd", H, D) + mean
    # The normal equations, pixel by pixel.
    total, count = mu * Y, torch.full_like(Y, mu)
    rows, columns = Y.shape[0] - size + 1, Y.shape[1] - size + 1
    for k in range(size * size):
        y, x = k // size, k % size
        total[y : y + rows, x : x + columns] += rebuilt[:, k].reshape(rows, columns)
        count[y : y + rows, x : x + columns] += 1
    return total / count
