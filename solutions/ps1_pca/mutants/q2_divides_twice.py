"""Divides by n twice: torch.cov with correction=0 has already taken the mean over samples."""
# caught-by: q2_scale_visible, q2_random_hidden

# %% q2_covariance
def covariance(X):
    return torch.cov(X.T, correction=0).reshape(X.shape[1], X.shape[1]) / len(X)
