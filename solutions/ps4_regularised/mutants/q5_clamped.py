"""Clamps noisy pixels to [0, 1]: the noise is no longer Gaussian, nor of mean zero."""
# caught-by: q5_corruptions_visible, q5_gaussian_hidden

# %% q5_corruptions
def add_gaussian(X, std, generator):
    return (X + std * torch.randn(X.shape, dtype=X.dtype, generator=generator)).clamp(0, 1)


def mask(X, rate, generator):
    hit = torch.rand(X.shape, dtype=X.dtype, generator=generator) < rate
    return torch.where(hit, torch.zeros_like(X), X)


def salt_and_pepper(X, rate, generator):
    u = torch.rand(X.shape, dtype=X.dtype, generator=generator)
    return torch.where(u < rate, (u < rate / 2).to(X.dtype), X)
