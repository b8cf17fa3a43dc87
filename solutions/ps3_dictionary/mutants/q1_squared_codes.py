"""Penalises the squares of the codes, which is ridge regression: squares make codes small, absolute values make them zero."""
# caught-by: q1_objective_visible, q1_objective_hidden

# %% q1_objective
def objective(X, D, H, penalty):
    return (0.5 * ((X - H @ D.T) ** 2).sum() + penalty * (H**2).sum()) / len(X)

def cheating_scale(X, D, H, penalty, excess):
    return penalty * H.abs().sum(dim=1).mean() / excess
