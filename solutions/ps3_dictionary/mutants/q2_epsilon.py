"""Adds a small constant to the length: atoms much smaller than the constant do not get length one."""
# caught-by: q2_product_visible, q2_random_hidden

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=0)
    return D / (length + 1e-8), torch.where(length > 0, H * length, H)
