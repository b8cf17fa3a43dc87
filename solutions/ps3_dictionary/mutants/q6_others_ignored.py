"""Fits the atom to the data as if it were alone: what the other atoms explain has to be subtracted first."""
# caught-by: q6_atom_visible, q6_alternation_visible, q6_atom_hidden, q6_alternation_hidden

# %% q6_atom
def update_atom(X, D, H, j):
    code = H[:, j]
    u = X.T @ code
    length = u.norm()
    return u / length if length > 0 else D[:, j].clone()
