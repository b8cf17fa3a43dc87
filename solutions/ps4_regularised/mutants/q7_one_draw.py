"""Draws noise once and solves least squares: the expectation is exact, a draw is not."""
# caught-by: q7_linear_visible, q7_denoiser_hidden

# %% q7_linear
def linear_denoiser(X, std):
    torch.manual_seed(0)
    noisy = X + std * torch.randn_like(X)
    return torch.linalg.lstsq(noisy, X).solution.T


def linear_unmasker(X, rate):
    S = X.T @ X / len(X)
    seen = (1 - rate) ** 2 * S + rate * (1 - rate) * torch.diag(S.diagonal())
    return torch.linalg.solve(seen, (1 - rate) * S).T
