"""Forgets the sign: a negative number moves towards zero and stays negative."""
# caught-by: q2_values_visible, q2_broadcast_visible, q2_random_hidden

# %% q2_threshold
def soft_threshold(Z, t):
    return (Z.abs() - t).clamp(min=0)
