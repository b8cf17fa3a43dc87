"""Changes the dictionary and the codes of the caller: D /= length writes into the tensor that was passed in."""
# caught-by: q2_product_visible

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=0)
    length = torch.where(length > 0, length, torch.ones_like(length))
    D /= length
    H *= length
    return D, H
