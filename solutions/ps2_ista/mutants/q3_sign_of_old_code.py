"""Takes the signs of the code before the step: the slides call both h, but the rule is about the number after the step on the reconstruction."""
# caught-by: q3_step_visible, q3_step_hidden

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    B = H - step * (H @ D.T - X) @ D
    moved = B - step * penalty * H.sign()
    return torch.where(B.sign() == moved.sign(), moved, torch.zeros_like(B))
