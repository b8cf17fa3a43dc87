"""Lacks the factor 1/2 in front of the squared distance, which makes the penalty count half as much as it should."""
# caught-by: q1_objective_visible, q1_objective_hidden

# %% q1_objective
def objective(X, D, H, penalty):
    return (((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum()) / len(X)

def cheating_scale(X, D, H, penalty, excess):
    return penalty * H.abs().sum(dim=1).mean() / excess
