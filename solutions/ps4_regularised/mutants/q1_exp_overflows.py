"""Computes log(1 + exp(a)) as it stands: exp overflows for logits beyond 709."""
# caught-by: q1_losses_visible, q1_losses_hidden

# %% q1_losses
def gaussian_loss(A, X, std):
    constant = 0.5 * X.shape[1] * math.log(2 * math.pi * std**2)
    return constant + ((X - A) ** 2).sum(dim=1).mean() / (2 * std**2)


def bernoulli_loss(A, X):
    positive = torch.log(1 + torch.exp(A))
    return (positive - X * A).sum(dim=1).mean()


def least_bernoulli_loss(X):
    return -(torch.xlogy(X, X) + torch.xlogy(1 - X, 1 - X)).sum(dim=1).mean()
