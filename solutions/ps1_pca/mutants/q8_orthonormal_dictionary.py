"""Computes the dictionary as Xc^T H: that is least squares only for orthonormal codes."""
# caught-by: q8_dictionary_visible, q8_steps_hidden, q8_alternation_visible, q8_alternation_hidden

# %% q8_steps
def update_codes(Xc, D):
    return torch.linalg.solve(D.T @ D, D.T @ Xc.T).T


def update_dictionary(Xc, H):
    return Xc.T @ H
