"""Takes the squared length of the longest atom: atoms that resemble each other add up, and L can be as much as their number times larger."""
# caught-by: q4_lipschitz_visible, q4_lipschitz_hidden

# %% q4_lipschitz
def lipschitz(D):
    return (D**2).sum(dim=0).max()


def steps_needed(L, distance, accuracy):
    return max(1, math.ceil(L * distance**2 / (2 * accuracy)))
