"""Rounds the number of steps down: one step before, the bound does not promise the accuracy yet."""
# caught-by: q4_steps_visible, q4_steps_hidden

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.matrix_norm(D, 2) ** 2


def steps_needed(L, distance, accuracy):
    return max(1, int(L * distance**2 / (2 * accuracy)))
