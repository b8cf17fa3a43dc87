"""Takes means over all entries: within a sample the squares and the codes are summed, only over the samples is there a mean."""
# caught-by: q1_objective_visible, q1_objective_hidden

# %% q1_objective
def objective(X, D, H, penalty):
    return 0.5 * ((X - H @ D.T) ** 2).mean() + penalty * H.abs().mean()

def cheating_scale(X, D, H, penalty, excess):
    return penalty * H.abs().sum(dim=1).mean() / excess
