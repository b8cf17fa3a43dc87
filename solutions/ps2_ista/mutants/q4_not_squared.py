"""Returns the largest singular value of D: the eigenvalues of D^T D are the squares of the singular values."""
# caught-by: q4_lipschitz_visible, q4_lipschitz_hidden

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.matrix_norm(D, 2)


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance**2 / (2 * accuracy)))
