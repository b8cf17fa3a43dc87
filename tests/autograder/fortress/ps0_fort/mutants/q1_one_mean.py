"""Subtracts one mean over all entries instead of one for each coordinate."""
# caught-by: q1_small_visible, q1_random_hidden


# %% q1_centre
def centre(X):
    return X - X.mean()
