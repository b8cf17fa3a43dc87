"""Starts from zero: the codes that were passed in are the place to start from."""
# caught-by: q3_step_visible, q3_warm_hidden

# %% q3_codes
def ista_codes(X, D, penalty, H, steps):
    largest = torch.linalg.matrix_norm(D, ord=2) ** 2
    H = torch.zeros_like(H)
    for _ in range(steps):
        H = soft_threshold(H - (H @ D.T - X) @ D / largest, penalty / largest)
    return H
