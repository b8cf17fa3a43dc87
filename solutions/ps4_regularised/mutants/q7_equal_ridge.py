"""Gives every pixel the same ridge: with masking it is in proportion to the pixel's own strength."""
# caught-by: q7_linear_visible, q7_unmasker_hidden

# %% q7_linear
def linear_denoiser(X, std):
    S = X.T @ X / len(X)
    return torch.linalg.solve(S + std**2 * torch.eye(len(S), dtype=X.dtype), S).T


def linear_unmasker(X, rate):
    S = X.T @ X / len(X)
    seen = (1 - rate) ** 2 * S + rate * (1 - rate) * S.diagonal().mean() * torch.eye(len(S), dtype=X.dtype)
    return torch.linalg.solve(seen, (1 - rate) * S).T
