"""Moves every number by t, past zero as well: numbers nearer to zero than t have to stop there, or no code is ever sparse."""
# caught-by: q2_values_visible, q2_broadcast_visible, q2_random_hidden

# %% q2_threshold
def soft_threshold(Z, t):
    return Z - t * Z.sign()
