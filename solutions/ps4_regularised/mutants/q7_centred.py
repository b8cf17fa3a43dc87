"""Centres the data: the denoiser has no offset and sees them as they are."""
# caught-by: q7_linear_visible, q7_denoiser_hidden

# %% q7_linear
def linear_denoiser(X, std):
    C = X - X.mean(dim=0)
    S = C.T @ C / len(X)
    return torch.linalg.solve(S + std**2 * torch.eye(len(S), dtype=X.dtype), S).T


def linear_unmasker(X, rate):
    S = X.T @ X / len(X)
    seen = (1 - rate) ** 2 * S + rate * (1 - rate) * torch.diag(S.diagonal())
    return torch.linalg.solve(seen, (1 - rate) * S).T
