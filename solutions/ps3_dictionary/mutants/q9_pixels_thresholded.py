"""Thresholds the pixels of the patches instead of their codes: sparse are the codes in the dictionary, not the pixels."""
# caught-by: q9_denoise_visible, q9_photographs_hidden

# %% q9_denoise
def denoise(Y, D, sigma):
    size = math.isqrt(len(D))
    P = all_patches(Y, size)
    mean = P.mean(dim=1, keepdim=True)
    kept = soft_threshold(P - mean, 2 * sigma)

    def add_up(patches):
        return torch.nn.functional.fold(patches.T[None], Y.shape, size)[0, 0]

    return add_up(kept + mean) / add_up(torch.ones_like(P))
