"""Descends along penalty * sign(h) as if it were a gradient: the codes come near zero and almost never land on it."""
# caught-by: q5_first_visible, q5_digits_visible, q5_random_hidden

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = torch.zeros(len(X), D.shape[1], dtype=X.dtype)
    objectives = [float(objective(X, D, H, penalty).mean())]
    for _ in range(iterations):
        H = H - step * ((H @ D.T - X) @ D + penalty * H.sign())
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives
