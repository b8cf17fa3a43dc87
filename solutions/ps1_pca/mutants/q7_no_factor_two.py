"""Lacks the factor 2 from the derivative of the square."""
# caught-by: q7_gradient_visible, q7_gradient_hidden

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    H = Xc @ W.T
    R = Xc - H @ D.T
    grad_W = -1 / len(Xc) * (R @ D).T @ Xc
    grad_D = -1 / len(Xc) * R.T @ H
    return grad_W, grad_D
