"""Takes the nearest atom for each true one: two true atoms can get the same partner, and a dictionary that has found one of them twice looks complete."""
# caught-by: q7_match_visible, q7_match_hidden

# %% q7_match
def match_atoms(D, D_true):
    cosine = (D / D.norm(dim=0)).T @ (D_true / D_true.norm(dim=0))
    permutation = cosine.abs().argmax(dim=0)
    partner = cosine[permutation, torch.arange(D_true.shape[1])]
    return permutation, torch.sign(partner), partner.abs()
