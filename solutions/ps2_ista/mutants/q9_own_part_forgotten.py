"""Uses the whole residual: the part that coordinate j explains already has to be put back before its best value is found."""
# caught-by: q9_update_visible, q9_sweep_visible, q9_update_hidden, q9_sweep_hidden

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    square = (D[:, j] ** 2).sum()
    rho = (X - H @ D.T) @ D[:, j]
    return rho.sign() * (rho.abs() - penalty).clamp(min=0) / square
