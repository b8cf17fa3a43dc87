"""Decodes without adding the mean back: the reconstructions lie around the origin instead of around the data."""
# caught-by: q4_decode_visible, q4_random_hidden

# %% q4_codec
def encode(X, W, mu):
    return (X - mu) @ W.T


def decode(H, W, mu):
    return H @ W


def reconstruction_error(X, X_hat):
    return ((X - X_hat) ** 2).sum(dim=1).mean()
