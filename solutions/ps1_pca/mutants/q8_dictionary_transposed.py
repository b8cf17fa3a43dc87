"""Returns the dictionary with atoms as rows, shape (m, d): here they are the columns of D."""
# caught-by: q8_dictionary_visible, q8_steps_hidden

# %% q8_steps
def update_codes(Xc, D):
    return torch.linalg.solve(D.T @ D, D.T @ Xc.T).T


def update_dictionary(Xc, H):
    return torch.linalg.solve(H.T @ H, H.T @ Xc)
