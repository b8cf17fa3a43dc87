"""Lacks the 1/n: the gradient of a sum over samples grows with the size of the data set, that of the mean does not."""
# caught-by: q7_gradient_visible, q7_gradient_hidden

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    H = Xc @ W.T
    R = Xc - H @ D.T
    grad_W = -2 * (R @ D).T @ Xc
    grad_D = -2 * R.T @ H
    return grad_W, grad_D
