"""Averages distances instead of squared distances: the sum of discarded eigenvalues is about the squares."""
# caught-by: q4_error_visible, q4_random_hidden

# %% q4_codec
def encode(X, W, mu):
    return (X - mu) @ W.T


def decode(H, W, mu):
    return H @ W + mu


def reconstruction_error(X, X_hat):
    return torch.linalg.norm(X - X_hat, dim=1).mean()
