"""Forgets the factor 2 of the derivative of a square."""
# caught-by: q6_small_visible, q6_random_hidden


# %% q6_gradient
def error_gradient(X, y, w):
    return X.T @ (X @ w - y) / len(X)
