"""Adds lambda sign(h) to the gradient instead of thresholding: codes then hop across zero and never stay there."""
# caught-by: q3_step_visible, q3_optimum_visible, q3_steps_hidden, q3_warm_hidden

# %% q3_codes
def ista_codes(X, D, penalty, H, steps):
    largest = torch.linalg.matrix_norm(D, ord=2) ** 2
    for _ in range(steps):
        H = H - ((H @ D.T - X) @ D + penalty * torch.sign(H)) / largest
    return H
