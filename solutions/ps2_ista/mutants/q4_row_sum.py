"""Takes the largest row sum of |D^T D|: that bounds the largest eigenvalue, which is smaller."""
# caught-by: q4_lipschitz_visible, q4_lipschitz_hidden

# %% q4_lipschitz
def lipschitz(D):
    return (D.T @ D).abs().sum(dim=1).max()


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance**2 / (2 * accuracy)))
