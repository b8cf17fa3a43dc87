"""Reduces a tensor of thresholds to its largest entry: each row or column has a threshold of its own."""
# caught-by: q2_broadcast_visible, q2_random_hidden

# %% q2_threshold
def soft_threshold(Z, t):
    return Z.sign() * (Z.abs() - torch.as_tensor(t).max()).clamp(min=0)
