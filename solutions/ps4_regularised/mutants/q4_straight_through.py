"""Passes the whole gradient back: a unit that was set to zero gets none."""
# caught-by: q4_ksparse_visible, q4_ksparse_hidden

# %% q4_ksparse
def k_sparse(A, k):
    values, places = A.topk(k, dim=1)
    return torch.zeros_like(A).scatter(1, places, values)


def k_sparse_backward(A, k, dH):
    places = A.topk(k, dim=1).indices
    return dH
