"""Forgets the 2 in the denominator of the bound and asks for twice the steps."""
# caught-by: q4_steps_visible, q4_steps_hidden

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.matrix_norm(D, 2) ** 2


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance**2 / accuracy))
