"""Uses t_k / t_{k+1} as weight: beta_k = (t_k - 1) / t_{k+1} begins at 0 and grows towards 1 slowly enough."""
# caught-by: q6_momentum_visible, q6_small_visible, q6_digits_visible, q6_random_hidden

# %% q6_fista
def momentum(iterations):
    t, weights = 1.0, []
    for _ in range(iterations):
        following = (1 + math.sqrt(1 + 4 * t**2)) / 2
        weights.append(t / following)
        t = following
    return weights


def fista(X, D, penalty, step, iterations):
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    Y = H
    objectives = [float(objective(X, D, H, penalty).mean())]
    for weight in momentum(iterations):
        B = Y - step * (Y @ D.T - X) @ D
        previous, H = H, B.sign() * (B.abs() - step * penalty).clamp(min=0)
        Y = H + weight * (H - previous)
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives
