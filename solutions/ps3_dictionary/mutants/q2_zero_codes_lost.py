"""Multiplies the codes of a zero atom by its length: they are lost, though the atom was to be left alone together with its codes."""
# caught-by: q2_zero_visible, q2_random_hidden

# %% q2_normalise
def normalise(D, H):
    length = D.norm(dim=0)
    return D / length.clamp(min=1e-300), H * length
