"""Computes the codes as Xc D: that is least squares only for orthonormal atoms, otherwise the products of the atoms, D^T D, have to be solved away."""
# caught-by: q8_codes_visible, q8_steps_hidden

# %% q8_steps
def update_codes(Xc, D):
    return Xc @ D


def update_dictionary(Xc, H):
    return torch.linalg.solve(H.T @ H, H.T @ Xc).T
