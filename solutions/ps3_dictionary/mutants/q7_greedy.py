"""Gives each true atom in turn the nearest column that is left: the first ones take what later ones need, and the sum is not the largest."""
# caught-by: q7_match_hidden

# %% q7_match
def match_atoms(D, D_true):
    cosine = (D / D.norm(dim=0)).T @ (D_true / D_true.norm(dim=0))
    left = cosine.abs().clone()
    permutation = []
    for k in range(D_true.shape[1]):
        permutation.append(int(left[:, k].argmax()))
        left[permutation[-1]] = -1
    permutation = torch.tensor(permutation)
    partner = cosine[permutation, torch.arange(D_true.shape[1])]
    return permutation, torch.sign(partner), partner.abs()
