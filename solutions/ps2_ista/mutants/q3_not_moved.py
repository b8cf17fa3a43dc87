"""Reads the slide's rule as the clamp alone: a number that keeps its sign is not left as it is, it moves by step * penalty towards zero."""
# caught-by: q3_step_visible, q3_step_hidden

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    B = H - step * (H @ D.T - X) @ D
    moved = B - step * penalty * B.sign()
    return torch.where(B.sign() == moved.sign(), B, torch.zeros_like(B))
