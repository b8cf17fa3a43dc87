"""Divides by size^2 at every pixel: at the border fewer patches overlap, and the image gets a dark frame."""
# caught-by: q9_denoise_visible, q9_photographs_hidden, q9_units_hidden

# %% q9_denoise
def denoise(Y, D, sigma):
    size = math.isqrt(len(D))
    P = all_patches(Y, size)
    mean = P.mean(dim=1, keepdim=True)
    H = lasso_codes(P - mean, D, 2 * sigma, tol=1e-3)

    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], Y.shape, size)[0, 0]

    return add_up(H @ D.T + mean) / len(D)
