"""Shrinks by half the penalty: that belongs to the objective without the 1/2 before the squared error."""
# caught-by: q10_path_visible, q10_path_hidden

# %% q10_path
def largest_penalty(X, D):
    return (X @ D).abs().max(dim=1).values


def orthonormal_path(x, D, penalties):
    z = x @ D
    return z.sign() * (z.abs() - penalties[:, None] / 2).clamp(min=0)
