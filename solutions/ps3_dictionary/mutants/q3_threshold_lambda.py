"""Thresholds by lambda: the threshold is lambda / L, because it belongs to a step of size 1/L."""
# caught-by: q3_step_visible, q3_optimum_visible, q3_steps_hidden, q3_warm_hidden

# %% q3_codes
def ista_codes(X, D, penalty, H, steps):
    largest = torch.linalg.matrix_norm(D, ord=2) ** 2
    for _ in range(steps):
        H = soft_threshold(H - (H @ D.T - X) @ D / largest, penalty)
    return H
