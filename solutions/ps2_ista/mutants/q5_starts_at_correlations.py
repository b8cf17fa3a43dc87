"""Starts at D^T x, the right answer for orthonormal atoms: for others it is no better start than any, and the text asks for zero."""
# caught-by: q5_first_visible, q5_digits_visible, q5_random_hidden

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    H = X @ D
    objectives = [float(objective(X, D, H, penalty).mean())]
    for _ in range(iterations):
        B = H - step * (H @ D.T - X) @ D
        H = B.sign() * (B.abs() - step * penalty).clamp(min=0)
        objectives.append(float(objective(X, D, H, penalty).mean()))
    return H, objectives
