"""Forgets the sign: the path of an atom with a negative product lies below zero."""
# caught-by: q10_path_visible, q10_path_hidden

# %% q10_path
def largest_penalty(X, D):
    return (X @ D).abs().max(dim=1).values


def orthonormal_path(x, D, penalties):
    return ((x @ D).abs() - penalties[:, None]).clamp(min=0)
