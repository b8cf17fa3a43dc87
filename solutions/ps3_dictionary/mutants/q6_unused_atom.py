"""Divides zero by zero for an atom that no sample uses: such an atom stays as it is."""
# caught-by: q6_atom_visible, q6_atom_hidden, q6_alternation_hidden

# %% q6_atom
def update_atom(X, D, H, j):
    code = H[:, j]
    u = (X - H @ D.T).T @ code + (code @ code) * D[:, j]
    length = u.norm()
    return u / length
