"""Compares inner products: a long atom then looks like everybody's partner; divide by both lengths."""
# caught-by: q7_match_visible, q7_match_hidden

# %% q7_match
def match_atoms(D, D_true):
    cosine = D.T @ D_true
    permutation = torch.from_numpy(linear_sum_assignment(-cosine.abs().T.numpy())[1])
    partner = cosine[permutation, torch.arange(D_true.shape[1])]
    return permutation, torch.sign(partner), partner.abs()
