"""Divides by n - 1: that is the unbiased estimate of a population, not the mean over samples that the reconstruction error uses."""
# caught-by: q2_scale_visible, q2_random_hidden

# %% q2_covariance
def covariance(X):
    Xc = X - X.mean(dim=0)
    return Xc.T @ Xc / (len(X) - 1)
