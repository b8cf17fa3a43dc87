"""Goes from the last coordinate to the first: a valid order, but the text asks for the first one first."""
# caught-by: q9_sweep_visible, q9_sweep_hidden

# %% q9_sweep
def coordinate_sweep(X, D, H, penalty):
    H = H.clone()
    for j in reversed(range(D.shape[1])):
        H[:, j] = coordinate_update(X, D, H, penalty, j)
    return H
