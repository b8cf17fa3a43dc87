"""Divides an atom that is zero by its length: the result is NaN and spreads to everything computed from it."""
# caught-by: q2_zero_visible, q2_random_hidden

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=0)
    return D / length, H * length
