"""Keeps what is above the threshold as it was: that is hard thresholding, which belongs to the count of nonzeros and not to the sum of absolute values."""
# caught-by: q2_values_visible, q2_broadcast_visible, q2_random_hidden

# %% q2_threshold
def soft_threshold(Z, t):
    return Z * (Z.abs() > t)
