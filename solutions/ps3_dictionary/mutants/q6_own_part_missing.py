"""Leaves the atom's own part out of R_j: without adding H_j d_j^T back, the atom fits what the whole dictionary leaves over."""
# caught-by: q6_atom_visible, q6_alternation_visible, q6_atom_hidden, q6_alternation_hidden

# %% q6_atom
def update_atom(X, D, H, j):
    code = H[:, j]
    u = (X - H @ D.T).T @ code
    length = u.norm()
    return u / length if length > 0 else D[:, j].clone()
