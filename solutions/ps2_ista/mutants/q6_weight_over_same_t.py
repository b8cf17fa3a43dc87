"""Divides t_k - 1 by t_k: the denominator is the next one, t_{k+1}."""
# caught-by: q6_momentum_visible, q6_small_visible, q6_digits_visible, q6_random_hidden

# %% q6_fista
def momentum(iterations):
    t, weights = 1.0, []
    for _ in range(iterations):
        weights.append((t - 1) / t)
        t = (1 + math.sqrt(1 + 4 * t**2)) / 2
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
