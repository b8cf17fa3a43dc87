"""Scales what is left by 1 / (1 - rate), as dropout does: masking leaves it as it is."""
# caught-by: q5_corruptions_visible, q5_replacing_hidden

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * torch.randn(X.shape, dtype=X.dtype, generator=generator)


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype, generator=generator) < rate
    return torch.where(hit, torch.zeros_like(X), X / max(1 - rate, 1e-12))


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=generator)
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
