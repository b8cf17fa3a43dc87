"""Takes the distance to the minimum as it is: it enters the bound squared."""
# caught-by: q4_steps_visible, q4_steps_hidden

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.matrix_norm(D, 2) ** 2


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance / (2 * accuracy)))
