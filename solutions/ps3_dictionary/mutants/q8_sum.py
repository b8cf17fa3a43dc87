"""Adds the patches up without dividing by the number of patches that contain the pixel."""
# caught-by: q8_assemble_visible, q8_patches_hidden

# %% q8_patches
def remove_mean(P):
    mean = P.mean(dim=1)
    return P - mean[:, None], mean


def assemble(P, height, width, size, stride):
    total = torch.zeros(height, width, dtype=P.dtype)
    count = torch.zeros(height, width, dtype=P.dtype)
    k = 0
    for row in range(0, height - size + 1, stride):
        for column in range(0, width - size + 1, stride):
            total[row : row + size, column : column + size] += P[k].reshape(size, size)
            count[row : row + size, column : column + size] += 1
            k += 1
    return total
