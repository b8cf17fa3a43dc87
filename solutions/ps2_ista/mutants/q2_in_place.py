"""Changes the numbers of the caller: the assignment to Z[small] writes into the tensor that was passed in."""
# caught-by: q2_values_visible

# %% q2_threshold
def soft_threshold(Z, t):
    small = Z.abs() <= t
    H = Z - t * Z.sign()
    Z[small] = 0.0
    H[small] = 0.0
    return H
