"""Thresholds at the penalty and not at step * penalty: it solves the problem of another, larger penalty."""
# caught-by: q5_first_visible, q5_digits_visible, q5_random_hidden

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    objectives = [float(objective(X, D, H, penalty).mean())]
    for _ in range(iterations):
        B = H - step * (H @ D.T - X) @ D
        H = B.sign() * (B.abs() - penalty).clamp(min=0)
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives
