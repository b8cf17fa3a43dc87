"""Derivatives by torch.func, singular vectors of the transpose, and lists of numbers come back."""

# %% q7_tangents
def tangent_basis(encode, X, k):
    rows = torch.func.vmap(torch.func.jacrev(lambda x: encode(x[None])[0]))(X)
    return torch.linalg.svd(rows.mT, full_matrices=False).U[:, :, :k].tolist()


def plane_angle(A, B):
    # The other way round: what is left of A outside of the plane of B.
    left = A - torch.einsum("ndj,nej,nek->ndk", B, B, A)
    return torch.arcsin(torch.linalg.matrix_norm(left, ord=2).clamp(max=1)).tolist()
