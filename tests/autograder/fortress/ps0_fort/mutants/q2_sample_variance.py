"""Divides the variance by n - 1."""
# caught-by: q2_small_visible, q2_random_hidden


# %% q2_moments
def moments(X):
    return X.mean(dim=0), X.var(dim=0)
