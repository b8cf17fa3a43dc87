"""Adds the gradient D^T (D h - x) where it has to be subtracted: the step leads away from the sample."""
# caught-by: q3_step_visible, q3_step_hidden

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    B = H + step * (H @ D.T - X) @ D
    moved = B - step * penalty * B.sign()
    return torch.where(B.sign() == moved.sign(), moved, torch.zeros_like(B))
