"""Shortens long atoms only, as if length one were an upper bound: atoms shorter than one have to grow."""
# caught-by: q2_product_visible, q2_random_hidden

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=0).clamp(min=1)
    return D / length, H * length
