"""Sums the codes and then squares: that measures one combination of the codes."""
# caught-by: q9_hutchinson_visible, q9_estimate_hidden

# %% q9_hutchinson
def hutchinson(encode, X, V):
    total = torch.zeros(len(X), dtype=X.dtype)
    for v in V:
        total = total + torch.func.jvp(encode, (X,), (v,))[1].sum(dim=1) ** 2
    return total / len(V)


def hutchinson_variance(J):
    M = J.transpose(1, 2) @ J
    return 2 * ((M**2).sum(dim=(1, 2)) - (M.diagonal(dim1=1, dim2=2) ** 2).sum(dim=1))
