"""Treats the weights as tied: uses the encoder where the chain rule puts the decoder, which is right only when D = W^T."""
# caught-by: q7_gradient_visible, q7_gradient_hidden

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    H = Xc @ W.T
    R = Xc - H @ D.T
    grad_W = -2 / len(Xc) * (R @ W.T).T @ Xc
    grad_D = -2 / len(Xc) * R.T @ H
    return grad_W, grad_D
