"""Sets all negative numbers to zero: a number is small when its absolute value is, and -3 is not."""
# caught-by: q2_values_visible, q2_broadcast_visible, q2_random_hidden

# %% q2_threshold
def soft_threshold(Z, t):
    return (Z - t).clamp(min=0)
