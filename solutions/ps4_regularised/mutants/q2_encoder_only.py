"""Forgets that W is the decoder's matrix too: its gradient is a sum over both uses."""
# caught-by: q2_tied_visible, q2_weights_hidden

# %% q2_tied
def tied_gradients(X, W, b, c):
    H = torch.sigmoid(X @ W.T + b)
    A = H @ W + c
    loss = (torch.nn.functional.softplus(A) - X * A).sum() / len(X)
    dA = (torch.sigmoid(A) - X) / len(X)
    dZ = (dA @ W.T) * H * (1 - H)
    return loss, dZ.T @ X, dZ.sum(dim=0), dA.sum(dim=0)
