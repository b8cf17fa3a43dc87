"""Takes columns of Q^T for columns of Q: torch returns the transpose."""
# caught-by: q11_tangents_visible, q11_basis_hidden

# %% q11_tangents
def tangent_basis(encode, X, k):
    J = torch.func.vmap(torch.func.jacrev(lambda x: encode(x[None])[0]))(X)
    return torch.linalg.svd(J, full_matrices=False).Vh[:, :, :k]


def plane_angle(A, B):
    cosines = torch.linalg.svdvals(A.transpose(1, 2) @ B)
    return torch.arccos(cosines[:, -1].clamp(max=1))
