"""Adds uniform noise of the right size: it has no tails."""
# caught-by: q5_gaussian_hidden

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * 12**0.5 * (torch.rand(X.shape, dtype=X.dtype, generator=generator) - 0.5)


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype, generator=generator) < rate
    return torch.where(hit, torch.zeros_like(X), X)


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=generator)
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
