"""Returns what the threshold takes away, z cut off at -t and t, and not what is left."""
# caught-by: q2_values_visible, q2_broadcast_visible, q2_random_hidden

# %% q2_threshold
def soft_threshold(Z, t):
    if not isinstance(t, torch.Tensor):
        t = torch.tensor(t, dtype=Z.dtype)
    return torch.maximum(torch.minimum(Z, t), -t)
