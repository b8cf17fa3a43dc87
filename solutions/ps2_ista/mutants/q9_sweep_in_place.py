"""Changes the codes of the caller: a sweep writes into a copy of H."""
# caught-by: q9_sweep_visible

# %% q9_sweep
def coordinate_sweep(X, D, H, penalty):
    for j in range(D.shape[1]):
        H[:, j] = coordinate_update(X, D, H, penalty, j)
    return H
