"""Adds a constant to the diagonal before solving: the half step is then ridge regression and no longer the best code."""
# caught-by: q8_codes_visible, q8_steps_hidden

# %% q8_steps
def update_codes(Xc, D):
    return torch.linalg.solve(D.T @ D + 1e-3 * torch.eye(D.shape[1], dtype=D.dtype), D.T @ Xc.T).T


def update_dictionary(Xc, H):
    return torch.linalg.solve(H.T @ H, H.T @ Xc).T
