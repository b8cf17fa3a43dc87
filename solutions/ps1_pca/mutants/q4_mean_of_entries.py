"""Averages the squared differences over all entries: the error of a sample is a sum over its coordinates, so this is d times too small."""
# caught-by: q4_error_visible, q4_random_hidden

# %% q4_codec
def encode(X, W, mu):
    return (X - mu) @ W.T


def decode(H, W, mu):
    return H @ W + mu


def reconstruction_error(X, X_hat):
    return ((X - X_hat) ** 2).mean()
