"""Ignores the generator and draws from the global one: no run can be repeated."""
# caught-by: q5_corruptions_visible

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * torch.randn(X.shape, dtype=X.dtype)


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype) < rate
    return torch.where(hit, torch.zeros_like(X), X)


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype)
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
