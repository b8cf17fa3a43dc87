"""Returns correlations: dividing by the standard deviations sets every variance to one, and the scale of the coordinates is lost."""
# caught-by: q2_scale_visible, q2_random_hidden

# %% q2_covariance
def covariance(X):
    Xc = X - X.mean(dim=0)
    std = Xc.pow(2).mean(dim=0).sqrt().clamp_min(1e-300)
    return (Xc / std).T @ (Xc / std) / len(X)
