"""Assumes atoms of length 1: for others the curvature ||d_j||^2 multiplies the old value and divides the new one."""
# caught-by: q9_update_visible, q9_sweep_visible, q9_update_hidden, q9_sweep_hidden

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    rho = (X - H @ D.T) @ D[:, j] + H[:, j]
    return rho.sign() * (rho.abs() - penalty).clamp(min=0)
