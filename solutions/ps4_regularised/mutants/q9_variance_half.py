"""Counts each pair of coordinates once with weight one: M_jk and M_kj are the same term, so it has the factor 2, squared, over half as many pairs."""
# caught-by: q9_hutchinson_visible, q9_variance_hidden

# %% q9_hutchinson
def hutchinson(encode, X, V):
    total = torch.zeros(len(X), dtype=X.dtype)
    for v in V:
        total = total + (torch.func.jvp(encode, (X,), (v,))[1] ** 2).sum(dim=1)
    return total / len(V)


def hutchinson_variance(J):
    M = J.transpose(1, 2) @ J
    return 1 * ((M**2).sum(dim=(1, 2)) - (M.diagonal(dim1=1, dim2=2) ** 2).sum(dim=1))
