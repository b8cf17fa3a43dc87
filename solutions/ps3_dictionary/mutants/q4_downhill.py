"""Has the sign of the residual: (X - H D^T)^T H / n points downhill, the gradient points uphill."""
# caught-by: q4_gradient_visible, q4_gradient_hidden

# %% q4_gradient
def dictionary_gradient(X, D, H):
    return (X - H @ D.T).T @ H / len(X)
