"""Thresholds once, after the last step: the steps before then lead to the least-squares solution, not to the sparse one."""
# caught-by: q5_digits_visible, q5_random_hidden

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    objectives = [float(objective(X, D, H, penalty).mean())]
    for k in range(iterations):
        H = H - step * (H @ D.T - X) @ D
        if k == iterations - 1:
            H = H.sign() * (H.abs() - step * penalty).clamp(min=0)
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives
