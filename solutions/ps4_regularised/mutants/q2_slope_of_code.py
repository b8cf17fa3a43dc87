"""Takes the slope of the sigmoid at h instead of at z: h is already the sigmoid's value."""
# caught-by: q2_tied_visible, q2_offsets_hidden, q2_weights_hidden

# %% q2_tied
def tied_gradients(X, W, b, c):
    H = torch.sigmoid(X @ W.T + b)
    A = H @ W + c
    loss = (torch.nn.functional.softplus(A) - X * A).sum() / len(X)
    dA = (torch.sigmoid(A) - X) / len(X)
    dZ = (dA @ W.T) * torch.sigmoid(H) * (1 - torch.sigmoid(H))
    return loss, dZ.T @ X + H.T @ dA, dZ.sum(dim=0), dA.sum(dim=0)
