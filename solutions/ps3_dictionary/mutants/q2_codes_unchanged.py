"""Leaves the codes as they were: the reconstructions H D^T change with the lengths of the atoms."""
# caught-by: q2_product_visible, q2_zero_visible, q2_random_hidden

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=0)
    length = torch.where(length > 0, length, torch.ones_like(length))
    return D / length, H.clone()
