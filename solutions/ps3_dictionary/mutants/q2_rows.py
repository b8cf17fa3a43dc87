"""Gives the rows of D length one: the atoms are its columns, so the norm is taken over dim=0."""
# caught-by: q2_product_visible, q2_zero_visible, q2_random_hidden

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=1, keepdim=True)
    length = torch.where(length > 0, length, torch.ones_like(length))
    return D / length, H
