"""Keeps a factor 2: the 2 of the square is cancelled by the 1/2 in front of it."""
# caught-by: q4_gradient_visible, q4_gradient_hidden

# %% q4_gradient
def dictionary_gradient(X, D, H):
    return -2 * (X - H @ D.T).T @ H / len(X)
