"""Records the reconstruction term alone: the objective that never increases is the one with the penalty."""
# caught-by: q5_first_visible, q5_digits_visible, q5_random_hidden

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    objectives = [float(((X - H @ D.T) ** 2).sum(dim=1).mean() / 2)]
    for _ in range(iterations):
        B = H - step * (H @ D.T - X) @ D
        H = B.sign() * (B.abs() - step * penalty).clamp(min=0)
        objectives.append(float(((X - H @ D.T) ** 2).sum(dim=1).mean() / 2))
    return H, objectives
