"""Does not add the means back: what comes out is the structure without the brightness."""
# caught-by: q9_denoise_visible, q9_photographs_hidden, q9_units_hidden

# %% q9_denoise
def denoise(Y, D, sigma):
    size = math.isqrt(len(D))
    P = all_patches(Y, size)
    mean = P.mean(dim=1, keepdim=True)
    H = lasso_codes(P - mean, D, 2 * sigma, tol=1e-3)

    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], Y.shape, size)[0, 0]

    return add_up(H @ D.T) / add_up(torch.ones_like(P))
