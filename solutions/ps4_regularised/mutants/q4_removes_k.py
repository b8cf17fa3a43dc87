"""Removes the k smallest instead of keeping the k largest."""
# caught-by: q4_ksparse_visible, q4_ksparse_hidden

# %% q4_ksparse
def k_sparse(A, k):
    values, places = A.topk(A.shape[1] - k, dim=1)
    return torch.zeros_like(A).scatter(1, places, values)


def k_sparse_backward(A, k, dH):
    places = A.topk(k, dim=1).indices
    return torch.zeros_like(dH).scatter(1, places, dH.gather(1, places))
