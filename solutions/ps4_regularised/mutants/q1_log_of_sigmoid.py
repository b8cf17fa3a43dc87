"""Takes the logarithm of a sigmoid: for logits of some hundreds the sigmoid is exactly 0 or 1, and the loss is infinite or NaN."""
# caught-by: q1_losses_visible, q1_losses_hidden

# %% q1_losses
def gaussian_loss(A, X, std):
    constant = 0.5 * X.shape[1] * math.log(2 * math.pi * std**2)
    return constant + ((X - A) ** 2).sum(dim=1).mean() / (2 * std**2)


def bernoulli_loss(A, X):
    P = torch.sigmoid(A)
    return -(X * P.log() + (1 - X) * (1 - P).log()).sum(dim=1).mean()


def least_bernoulli_loss(X):
    return -(torch.xlogy(X, X) + torch.xlogy(1 - X, 1 - X)).sum(dim=1).mean()
