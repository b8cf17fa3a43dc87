"""Compares cosines with their sign: an atom found with the opposite sign is found as well."""
# caught-by: q7_match_visible, q7_match_hidden

# %% q7_match
def match_atoms(D, D_true):
    cosine = (D / D.norm(dim=0)).T @ (D_true / D_true.norm(dim=0))
    permutation = torch.from_numpy(linear_sum_assignment(-cosine.T.numpy())[1])
    partner = cosine[permutation, torch.arange(D_true.shape[1])]
    return permutation, torch.sign(partner), partner.abs()
