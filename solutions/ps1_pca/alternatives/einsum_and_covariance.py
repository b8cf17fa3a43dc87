"""Einstein sums; the gradients through the covariance matrix C, without forming a residual."""

# %% q1_centre
def centre(X):
    mu = torch.einsum("nd->d", X) / X.shape[0]
    return X - mu[None, :], mu

# %% q2_covariance
def covariance(X):
    Xc = X - X.mean(dim=0)
    return torch.einsum("nd,ne->de", Xc, Xc) / len(X)

# %% q4_codec
def encode(X, W, mu):
    return torch.einsum("nd,md->nm", X, W) - W @ mu


def decode(H, W, mu):
    return torch.addmm(mu, H, W)


def reconstruction_error(X, X_hat):
    return torch.einsum("nd,nd->", X - X_hat, X - X_hat) / len(X)

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    # E = tr C - 2 tr(D W C) + tr(D W C W^T D^T)
    C = torch.einsum("nd,ne->de", Xc, Xc) / len(Xc)
    grad_W = 2 * (D.T @ D @ W @ C - D.T @ C)
    grad_D = 2 * (D @ W @ C @ W.T - C @ W.T)
    return [grad_W, grad_D]
