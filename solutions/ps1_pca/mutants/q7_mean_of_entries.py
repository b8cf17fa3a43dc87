"""Differentiates the mean over all entries, the default of a mean squared error: d times too small."""
# caught-by: q7_gradient_visible, q7_gradient_hidden

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    H = Xc @ W.T
    R = Xc - H @ D.T
    grad_W = -2 / Xc.numel() * (R @ D).T @ Xc
    grad_D = -2 / Xc.numel() * R.T @ H
    return grad_W, grad_D
