"""Returns the largest value of the whole set for every sample: each sample has its own."""
# caught-by: q10_largest_visible, q10_largest_hidden

# %% q10_path
def largest_penalty(X, D):
    return (X @ D).abs().max().repeat(len(X))


def orthonormal_path(x, D, penalties):
    z = x @ D
    return z.sign() * (z.abs() - penalties[:, None]).clamp(min=0)
