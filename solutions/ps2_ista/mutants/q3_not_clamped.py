"""Leaves out the clamp: plain steps along a subgradient jump back and forth across zero and never land on it."""
# caught-by: q3_step_visible, q3_step_hidden

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    B = H - step * (H @ D.T - X) @ D
    return B - step * penalty * B.sign()
