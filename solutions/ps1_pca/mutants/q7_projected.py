"""Uses the residual for the codes as well: R^T (R W^T) instead of R^T H."""
# caught-by: q7_gradient_visible, q7_gradient_hidden

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    H = Xc @ W.T
    R = Xc - H @ D.T
    grad_W = -2 / len(Xc) * (R @ D).T @ Xc
    grad_D = -2 / len(Xc) * R.T @ (R @ W.T)
    return grad_W, grad_D
