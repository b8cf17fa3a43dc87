"""Subtracts the penalty and not step * penalty: both parts of the objective take a step of the same length."""
# caught-by: q3_step_visible, q3_step_hidden

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    B = H - step * (H @ D.T - X) @ D
    moved = B - penalty * B.sign()
    return torch.where(B.sign() == moved.sign(), moved, torch.zeros_like(B))
