"""Forgets the absolute value: an atom that points away from the sample is used with a negative code."""
# caught-by: q10_largest_visible, q10_largest_hidden

# %% q10_path
def largest_penalty(X, D):
    return (X @ D).max(dim=1).values


def orthonormal_path(x, D, penalties):
    z = x @ D
    return z.sign() * (z.abs() - penalties[:, None]).clamp(min=0)
