"""Seeds a generator of its own: every batch is corrupted in the same way."""
# caught-by: q5_corruptions_visible

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * torch.randn(X.shape, dtype=X.dtype, generator=torch.Generator().manual_seed(0))


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype, generator=torch.Generator().manual_seed(0)) < rate
    return torch.where(hit, torch.zeros_like(X), X)


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=torch.Generator().manual_seed(0))
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
