"""Subtracts one number, the mean over all entries: every coordinate has its own mean."""
# caught-by: q2_scale_visible, q2_random_hidden

# %% q2_covariance
def covariance(X):
    Xc = X - X.mean()
    return Xc.T @ Xc / len(X)
