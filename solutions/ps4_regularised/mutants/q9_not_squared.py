"""Averages ||J v||: only its square is unbiased for the squared norm."""
# caught-by: q9_hutchinson_visible, q9_estimate_hidden

# %% q9_hutchinson
def hutchinson(encode, X, V):
    total = torch.zeros(len(X), dtype=X.dtype)
    for v in V:
        total = total + (torch.func.jvp(encode, (X,), (v,))[1] ** 2).sum(dim=1).sqrt()
    return total / len(V)


def hutchinson_variance(J):
    M = J.transpose(1, 2) @ J
    return 2 * ((M**2).sum(dim=(1, 2)) - (M.diagonal(dim1=1, dim2=2) ** 2).sum(dim=1))
