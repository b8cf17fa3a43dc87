"""Multiplies densities instead of adding logarithms: far from all means they are all zero."""
# caught-by: q6_points_visible, q6_mean_hidden

# %% q6_mixture
def posterior_mean(Y, std, weights, means, variances):
    noisy = variances + std**2
    away = Y[:, None, :] - means
    log_joint = weights.log() - 0.5 * Y.shape[1] * noisy.log() - (away**2).sum(dim=2) / (2 * noisy)
    belief = log_joint.exp() / log_joint.exp().sum(dim=1, keepdim=True)
    within = means + (variances / noisy)[:, None] * away
    return (belief[:, :, None] * within).sum(dim=1)


def score(Y, std, weights, means, variances):
    return (posterior_mean(Y, std, weights, means, variances) - Y) / std**2
