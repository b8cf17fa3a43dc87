"""Swaps noise and signal in the shrinkage: with little noise y is to be trusted, not the mean."""
# caught-by: q6_points_visible, q6_mixture_visible, q6_mean_hidden, q6_score_hidden

# %% q6_mixture
def posterior_mean(Y, std, weights, means, variances):
    noisy = variances + std**2
    away = Y[:, None, :] - means
    log_joint = weights.log() - 0.5 * Y.shape[1] * noisy.log() - (away**2).sum(dim=2) / (2 * noisy)
    belief = torch.softmax(log_joint, dim=1)
    within = means + (std**2 / noisy)[:, None] * away
    return (belief[:, :, None] * within).sum(dim=1)


def score(Y, std, weights, means, variances):
    return (posterior_mean(Y, std, weights, means, variances) - Y) / std**2
