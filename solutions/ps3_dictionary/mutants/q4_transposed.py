"""Returns the transpose, shape (m, d): the gradient has the shape of D, atoms in columns."""
# caught-by: q4_gradient_visible, q4_gradient_hidden

# %% q4_gradient
def dictionary_gradient(X, D, H):
    return -H.T @ (X - H @ D.T) / len(X)
