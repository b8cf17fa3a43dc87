"""Leaves out the threshold: that is coordinate descent for least squares."""
# caught-by: q9_update_visible, q9_sweep_visible, q9_update_hidden, q9_sweep_hidden

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    square = (D[:, j] ** 2).sum()
    return (X - H @ D.T) @ D[:, j] / square + H[:, j]
