"""Mixes up the layers: the encoder's part pairs the errors of z with the data, not with the reconstructions."""
# caught-by: q2_tied_visible, q2_weights_hidden

# %% q2_tied
def tied_gradients(X, W, b, c):
    H = torch.sigmoid(X @ W.T + b)
    A = H @ W + c
    loss = (torch.nn.functional.softplus(A) - X * A).sum() / len(X)
    dA = (torch.sigmoid(A) - X) / len(X)
    dZ = (dA @ W.T) * H * (1 - H)
    return loss, dZ.T @ torch.sigmoid(A) + H.T @ dA, dZ.sum(dim=0), dA.sum(dim=0)
