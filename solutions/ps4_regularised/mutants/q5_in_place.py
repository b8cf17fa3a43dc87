"""Masks the caller's data: after some epochs nothing is left of them."""
# caught-by: q5_corruptions_visible

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * torch.randn(X.shape, dtype=X.dtype, generator=generator)


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype, generator=generator) < rate
    X[hit] = 0
    return X


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=generator)
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
