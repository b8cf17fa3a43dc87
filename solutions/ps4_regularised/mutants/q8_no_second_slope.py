"""Takes h (1 - h) for its own derivative: the factor 1 - 2h, which changes sign at one half, is missing."""
# caught-by: q8_gradients_visible, q8_gradients_hidden

# %% q8_contractive
def encoder_jacobian(X, W, b):
    H = torch.sigmoid(X @ W.T + b)
    return (H * (1 - H))[:, :, None] * W


def contractive_penalty(X, W, b):
    H = torch.sigmoid(X @ W.T + b)
    return ((H * (1 - H)) ** 2).mean(dim=0) @ (W**2).sum(dim=1)


def contractive_gradients(X, W, b):
    H = torch.sigmoid(X @ W.T + b)
    square = (H * (1 - H)) ** 2
    dZ = 2 * square * (W**2).sum(dim=1) / len(X)
    return dZ.T @ X + 2 * square.mean(dim=0)[:, None] * W, dZ.sum(dim=0)
