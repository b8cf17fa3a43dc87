"""Returns the permutation the other way round: for each column of D its true atom, instead of for each true atom its column of D."""
# caught-by: q7_match_visible, q7_match_hidden

# %% q7_match
def match_atoms(D, D_true):
    cosine = (D / D.norm(dim=0)).T @ (D_true / D_true.norm(dim=0))
    rows, columns = linear_sum_assignment(-cosine.abs().numpy())
    partner = cosine[rows, columns]
    return torch.from_numpy(columns), torch.sign(partner), partner.abs()
