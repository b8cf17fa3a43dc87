"""Returns 1/L, the length of the step, and not L."""
# caught-by: q4_lipschitz_visible, q4_lipschitz_hidden

# %% q4_lipschitz
def lipschitz(D):
    return 1 / torch.linalg.matrix_norm(D, 2) ** 2


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance**2 / (2 * accuracy)))
