"""Takes the slope of the sigmoid at h instead of at z."""
# caught-by: q8_penalty_visible, q8_penalty_hidden

# %% q8_contractive
def encoder_jacobian(X, W, b):
    H = torch.sigmoid(torch.sigmoid(X @ W.T + b))
    return (H * (1 - H))[:, :, None] * W


def contractive_penalty(X, W, b):
    H = torch.sigmoid(X @ W.T + b)
    return ((H * (1 - H)) ** 2).mean(dim=0) @ (W**2).sum(dim=1)


def contractive_gradients(X, W, b):
    H = torch.sigmoid(X @ W.T + b)
    square = (H * (1 - H)) ** 2
    dZ = 2 * square * (1 - 2 * H) * (W**2).sum(dim=1) / len(X)
    return dZ.T @ X + 2 * square.mean(dim=0)[:, None] * W, dZ.sum(dim=0)
