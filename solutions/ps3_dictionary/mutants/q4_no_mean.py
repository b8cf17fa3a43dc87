"""Lacks the 1/n: E is the mean over the samples."""
# caught-by: q4_gradient_visible, q4_gradient_hidden

# %% q4_gradient
def dictionary_gradient(X, D, H):
    return -(X - H @ D.T).T @ H
