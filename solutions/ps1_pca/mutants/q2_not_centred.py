"""Forgets to centre: X^T X / n is the second moment, and with a mean far from zero its first eigenvector points at the mean."""
# caught-by: q2_scale_visible, q2_random_hidden

# %% q2_covariance
def covariance(X):
    return X.T @ X / len(X)
