"""Takes the Frobenius norm, the sum of all eigenvalues: a safe step, but up to min(d, m) times too short."""
# caught-by: q4_lipschitz_visible, q4_lipschitz_hidden

# %% q4_lipschitz
def lipschitz(D):
    return torch.linalg.norm(D) ** 2


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance**2 / (2 * accuracy)))
