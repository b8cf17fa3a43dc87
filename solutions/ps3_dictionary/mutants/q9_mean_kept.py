"""Leaves the mean in the patches: the penalty then also pulls the brightness towards zero, and the image gets darker."""
# caught-by: q9_denoise_visible, q9_photographs_hidden, q9_units_hidden

# %% q9_denoise
def denoise(Y, D, sigma):
    size = math.isqrt(len(D))
    P = all_patches(Y, size)
    mean = 0.0
    H = lasso_codes(P - mean, D, 2 * sigma, tol=1e-3)

    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], Y.shape, size)[0, 0]

    return add_up(H @ D.T + mean) / add_up(torch.ones_like(P))
