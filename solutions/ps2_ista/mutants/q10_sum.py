"""Adds the products with the atoms up: the code 0 is optimal when each of them alone is at most the penalty."""
# caught-by: q10_largest_visible, q10_largest_hidden

# %% q10_path
def largest_penalty(X, D):
    return (X @ D).abs().sum(dim=1)


def orthonormal_path(x, D, penalties):
    z = x @ D
    return z.sign() * (z.abs() - penalties[:, None]).clamp(min=0)
