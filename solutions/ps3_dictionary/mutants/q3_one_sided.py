"""Sets negative codes to zero: soft thresholding keeps the sign, only non-negative coding does not."""
# caught-by: q3_step_visible, q3_optimum_visible, q3_steps_hidden, q3_warm_hidden

# %% q3_codes
def ista_codes(X, D, penalty, H, steps):
    largest = torch.linalg.matrix_norm(D, ord=2) ** 2
    for _ in range(steps):
        H = (H - (H @ D.T - X) @ D / largest - penalty / largest).clamp(min=0)
    return H
