"""Computes all coordinates from the old code: each has to see the new values of those before it, or atoms that are alike overshoot together."""
# caught-by: q9_sweep_visible, q9_sweep_hidden

# %% q9_sweep
def coordinate_sweep(X, D, H, penalty):
    return torch.stack([coordinate_update(X, D, H, penalty, j) for j in range(D.shape[1])], dim=1)
