"""Einstein sums, eigenvectors of covariance matrices, inverses where others solve."""

# %% q1_centre
def centre(X, seen):
    M = seen.double()
    counts = torch.einsum("nd->d", M)
    mu = torch.einsum("nd,nd->d", X, M) / torch.where(counts == 0, 1.0, counts)
    return torch.einsum("nd,nd->nd", X - mu[None, :], M), mu

# %% q2_covariance
def merge(n1, mu1, C1, n2, mu2, C2):
    shares = torch.tensor([n1, n2], dtype=torch.float64) / (n1 + n2)
    means = torch.stack([mu1, mu2])
    mu = shares @ means
    away = means - mu
    within = torch.einsum("p,pde->de", shares, torch.stack([C1, C2]))
    return float(n1 + n2), mu, within + torch.einsum("p,pd,pe->de", shares, away, away)

# %% q3_codes
def codes_from_products(G, m):
    K = G - G.mean(dim=0, keepdim=True)
    K = K - K.mean(dim=1, keepdim=True)
    variances, vectors = torch.linalg.eigh((K + K.T) / (2 * len(G)))
    variances, vectors = variances[-m:].flip(0), vectors[:, -m:].flip(1)
    return -vectors @ torch.diag((len(G) * variances) ** 0.5), variances

# %% q4_codec
def encode(X, seen, W, mu):
    M = seen.to(W.dtype)
    products = torch.einsum("nd,kd,ld->nkl", M, W, W)
    right = torch.einsum("nd,kd->nk", torch.where(seen, X - mu, 0.0), W)
    return torch.einsum("nkl,nl->nk", torch.linalg.inv(products), right)


def fill_in(X, seen, H, W, mu):
    return torch.addmm(mu, H, W).masked_scatter(seen, X[seen])


def reconstruction_error(X, H, mu):
    return torch.einsum("nd,nd->", X - mu, X - mu) / len(X) - torch.einsum("nm,nm->", H, H) / len(H)

# %% q5_error
def pca_errors(X):
    # The trace minus the kept part, instead of a sum of the discarded one.
    C = torch.cov(X.T, correction=0).reshape(X.shape[1], X.shape[1])
    eigenvalues = torch.linalg.eigvalsh(C).flip(0)
    return torch.cat([C.trace()[None], C.trace() - eigenvalues.cumsum(0)])


def choose_dimension(variances, share):
    return torch.searchsorted(variances.cumsum(0) / variances.sum(), share - 1e-12) + 1

# %% q6_whiten
def whiten(X, new):
    Xc = X - X.mean(dim=0)
    variances, vectors = torch.linalg.eigh(Xc.T @ Xc / len(X))
    top = variances > 1e-9 * variances.max()
    codes = (new - X.mean(dim=0)) @ vectors[:, top] @ torch.diag(variances[top] ** -0.5)
    return codes.flip(1)

# %% q7_gradients
def autoencoder_gradients(W, D, X, A):
    H = torch.einsum("nd,md->nm", X, W)
    G = -2 * torch.einsum("nd,nd->nd", A, X - torch.einsum("nm,dm->nd", H, D)) / X.shape[0]
    return [torch.einsum("nd,dm,ne->me", G, D, X), torch.einsum("nd,nm->dm", G, H)]

# %% q8_steps
def update_codes(Xc, D, penalty):
    m = D.shape[1]
    return Xc @ D @ torch.linalg.inv(D.T @ D + penalty * torch.eye(m, dtype=torch.float64))


def update_dictionary(Xc, H, penalty):
    m = H.shape[1]
    return Xc.T @ H @ torch.linalg.inv(H.T @ H + penalty * len(H) * torch.eye(m, dtype=torch.float64))

# %% q8_alternation
def alternate(Xc, D, penalty, iterations):
    objectives = []
    for _ in range(iterations):
        H = update_codes(Xc, D, penalty)
        D = update_dictionary(Xc, H, penalty)
        R = Xc - torch.einsum("nm,dm->nd", H, D)
        objectives.append(R.square().sum(dim=1).mean() + penalty * (H.square().sum(1).mean() + D.square().sum()))
    return [H, D, tuple(objectives)]

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    C = Xc.T @ Xc / len(X)
    P = torch.eye(X.shape[1], dtype=X.dtype) - W.T @ W
    _, vectors = torch.linalg.eigh(P @ C @ P)
    return torch.argmin(torch.einsum("md,de,me->m", W, C, W)), vectors[:, -1]
