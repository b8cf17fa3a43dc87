"""Masks the same pixels in all samples: every entry has its own coin."""
# caught-by: q5_corruptions_visible, q5_replacing_hidden

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return X + std * torch.randn(X.shape, dtype=X.dtype, generator=generator)


def mask(X, rate, generator):
    hit = torch.rand((1, X.shape[1]), dtype=X.dtype, generator=generator) < rate
    return torch.where(hit, torch.zeros_like(X), X)


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=generator)
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
