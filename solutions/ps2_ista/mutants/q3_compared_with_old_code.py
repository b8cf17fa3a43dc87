"""Clamps when the sign differs from that of the old code: a coordinate that is zero has the sign 0 and could never leave it."""
# caught-by: q3_step_visible, q3_step_hidden

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    B = H - step * (H @ D.T - X) @ D
    moved = B - step * penalty * B.sign()
    return torch.where(H.sign() == moved.sign(), moved, torch.zeros_like(B))
