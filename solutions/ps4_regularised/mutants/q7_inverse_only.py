"""Leaves out the moment of clean with noisy data: P is that times the inverse."""
# caught-by: q7_linear_visible, q7_denoiser_hidden

# %% q7_linear
def linear_denoiser(X, std):
    S = X.T @ X / len(X)
    return torch.linalg.inv(S + std**2 * torch.eye(len(S), dtype=X.dtype))


def linear_unmasker(X, rate):
    S = X.T @ X / len(X)
    seen = (1 - rate) ** 2 * S + rate * (1 - rate) * torch.diag(S.diagonal())
    return torch.linalg.solve(seen, (1 - rate) * S).T
