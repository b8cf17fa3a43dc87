"""Returns each gradient transposed: dE/dW has the shape of W, entry by entry."""
# caught-by: q7_gradient_visible, q7_gradient_hidden, q7_descent_visible

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    H = Xc @ W.T
    R = Xc - H @ D.T
    grad_W = -2 / len(Xc) * (R @ D).T @ Xc
    grad_D = -2 / len(Xc) * R.T @ H
    return grad_W.T, grad_D.T
