"""Chooses along the wrong axis: k samples for each unit instead of k units for each sample."""
# caught-by: q4_ksparse_visible, q4_ksparse_hidden

# %% q4_ksparse
def k_sparse(A, k):
    values, places = A.topk(min(k, len(A)), dim=0)
    return torch.zeros_like(A).scatter(0, places, values)


def k_sparse_backward(A, k, dH):
    places = A.topk(k, dim=1).indices
    return torch.zeros_like(dH).scatter(1, places, dH.gather(1, places))
