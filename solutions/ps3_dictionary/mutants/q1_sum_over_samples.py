"""Adds up the samples: the objective is their mean, so the sum is still to be divided by n."""
# caught-by: q1_objective_visible, q1_objective_hidden

# %% q1_objective
def objective(X, D, H, penalty):
    return 0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum()

def cheating_scale(X, D, H, penalty, excess):
    return penalty * H.abs().sum(dim=1).mean() / excess
