"""Divides by the length of the atom: the curvature along coordinate j is the squared length."""
# caught-by: q9_update_visible, q9_sweep_visible, q9_update_hidden, q9_sweep_hidden

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    length = D[:, j].norm()
    rho = (X - H @ D.T) @ D[:, j] + length * H[:, j]
    return rho.sign() * (rho.abs() - penalty).clamp(min=0) / length
