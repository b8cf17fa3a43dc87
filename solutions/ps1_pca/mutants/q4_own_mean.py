"""Centres new samples with their own mean: the codes then depend on which other samples happen to be in the batch."""
# caught-by: q4_encode_visible, q4_random_hidden

# %% q4_codec
def encode(X, W, mu):
    return (X - X.mean(dim=0)) @ W.T


def decode(H, W, mu):
    return H @ W + mu


def reconstruction_error(X, X_hat):
    return ((X - X_hat) ** 2).sum(dim=1).mean()
