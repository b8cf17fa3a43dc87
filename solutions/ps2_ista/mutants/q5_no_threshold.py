"""Follows the reconstruction only: without the threshold this is gradient descent for least squares, and no code has a zero."""
# caught-by: q5_first_visible, q5_digits_visible, q5_random_hidden

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    objectives = [float(objective(X, D, H, penalty).mean())]
    for _ in range(iterations):
        H = H - step * (H @ D.T - X) @ D
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives
