"""Takes the largest cosine: planes that share one line would count as equal."""
# caught-by: q11_tangents_visible, q11_angle_hidden

# %% q11_tangents
def tangent_basis(encode, X, k):
    J = torch.func.vmap(torch.func.jacrev(lambda x: encode(x[None])[0]))(X)
    return torch.linalg.svd(J, full_matrices=False).Vh[:, :k].transpose(1, 2)


def plane_angle(A, B):
    cosines = torch.linalg.svdvals(A.transpose(1, 2) @ B)
    return torch.arccos(cosines[:, 0].clamp(max=1))
