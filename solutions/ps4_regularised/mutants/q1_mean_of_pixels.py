"""Takes the mean over the pixels: a log-likelihood of independent coordinates is a sum, and the scale against every penalty depends on it."""
# caught-by: q1_losses_visible, q1_losses_hidden

# %% q1_losses
def gaussian_loss(A, X, std):
    constant = 0.5 * X.shape[1] * math.log(2 * math.pi * std**2)
    return constant + ((X - A) ** 2).sum(dim=1).mean() / (2 * std**2)


def bernoulli_loss(A, X):
    positive = A.clamp(min=0) + torch.log1p(torch.exp(-A.abs()))
    return (positive - X * A).mean()


def least_bernoulli_loss(X):
    return -(torch.xlogy(X, X) + torch.xlogy(1 - X, 1 - X)).sum(dim=1).mean()
