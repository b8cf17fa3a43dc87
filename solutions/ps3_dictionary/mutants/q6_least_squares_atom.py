"""Returns the least-squares atom: it still has to be brought to length one."""
# caught-by: q6_atom_visible, q6_alternation_visible, q6_atom_hidden, q6_alternation_hidden

# %% q6_atom
def update_atom(X, D, H, j):
    code = H[:, j]
    u = (X - H @ D.T).T @ code + (code @ code) * D[:, j]
    length = u.norm()
    return u / (code @ code) if length > 0 else D[:, j].clone()
