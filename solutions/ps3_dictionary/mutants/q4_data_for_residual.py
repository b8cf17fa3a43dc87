"""Uses the data where the residual belongs: the gradient must vanish when the reconstruction is exact."""
# caught-by: q4_gradient_visible, q4_gradient_hidden

# %% q4_gradient
def dictionary_gradient(X, D, H):
    return -X.T @ H / len(X)
