"""Draws constant codes that drop to zero: each entry shrinks linearly with the penalty and reaches zero without a jump."""
# caught-by: q10_path_visible, q10_path_hidden

# %% q10_path
def largest_penalty(X, D):
    return (X @ D).abs().max(dim=1).values


def orthonormal_path(x, D, penalties):
    z = x @ D
    return z * (z.abs() > penalties[:, None])
