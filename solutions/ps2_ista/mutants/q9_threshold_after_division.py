"""Thresholds at the penalty after dividing by ||d_j||^2: divide by it after the threshold, or divide the penalty as well."""
# caught-by: q9_update_visible, q9_sweep_visible, q9_update_hidden, q9_sweep_hidden

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    square = (D[:, j] ** 2).sum()
    z = (X - H @ D.T) @ D[:, j] / square + H[:, j]
    return z.sign() * (z.abs() - penalty).clamp(min=0)
