"""Uses (1 - q)^2 on the diagonal too: an entry times itself needs one coin, not two. The answer is then the identity, up to a factor."""
# caught-by: q7_linear_visible, q7_unmasker_hidden

# %% q7_linear
def linear_denoiser(X, std):
    S = X.T @ X / len(X)
    return torch.linalg.solve(S + std**2 * torch.eye(len(S), dtype=X.dtype), S).T


def linear_unmasker(X, rate):
    S = X.T @ X / len(X)
    seen = (1 - rate) ** 2 * S + 0 * torch.diag(S.diagonal())
    return (torch.linalg.pinv(seen) @ S * (1 - rate)).T
