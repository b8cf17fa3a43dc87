"""Puts no salt: half of the replaced pixels become 1."""
# caught-by: q5_corruptions_visible, q5_replacing_hidden

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * torch.randn(X.shape, dtype=X.dtype, generator=generator)


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype, generator=generator) < rate
    return torch.where(hit, torch.zeros_like(X), X)


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=generator)
    return torch.where(u < rate, torch.zeros_like(X), X)
