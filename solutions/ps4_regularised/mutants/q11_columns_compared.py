"""Compares column with column: the same plane has many bases."""
# caught-by: q11_tangents_visible, q11_angle_hidden

# %% q11_tangents
def tangent_basis(encode, X, k):
    J = torch.func.vmap(torch.func.jacrev(lambda x: encode(x[None])[0]))(X)
    return torch.linalg.svd(J, full_matrices=False).Vh[:, :k].transpose(1, 2)


def plane_angle(A, B):
    cosines = (A * B).sum(dim=1).abs().sort(dim=1, descending=True).values
    return torch.arccos(cosines[:, -1].clamp(max=1))
