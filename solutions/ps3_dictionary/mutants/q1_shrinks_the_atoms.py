"""Scales the wrong way round: the penalty term is divided by c, so the atoms have to grow for it to vanish."""
# caught-by: q1_scale_visible, q1_scale_hidden

# %% q1_objective
def objective(X, D, H, penalty):
    misfit = 0.5 * ((X - H @ D.T) ** 2).sum(dim=1)
    return (misfit + penalty * H.abs().sum(dim=1)).mean()


def cheating_scale(X, D, H, penalty, excess):
    return excess / (penalty * H.abs().sum(dim=1).mean())
