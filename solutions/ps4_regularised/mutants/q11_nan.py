"""Does not clamp a cosine that rounding has brought above one: its angle is NaN."""
# caught-by: q11_angle_hidden

# %% q11_tangents
def tangent_basis(encode, X, k):
    J = torch.func.vmap(torch.func.jacrev(lambda x: encode(x[None])[0]))(X)
    return torch.linalg.svd(J, full_matrices=False).Vh[:, :k].transpose(1, 2)


def plane_angle(A, B):
    cosines = torch.linalg.svdvals(A.transpose(1, 2) @ B)
    return torch.arccos(cosines[:, -1])
