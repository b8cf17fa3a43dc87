"""Subtracts the mean patch, as in PCA: here each patch loses the mean of its own pixels, its brightness."""
# caught-by: q8_mean_visible, q8_patches_hidden

# %% q8_patches
def remove_mean(P):
    return P - P.mean(dim=0), P.mean(dim=1)


def assemble(P, height, width, size, stride):
    total = torch.zeros(height, width, dtype=P.dtype)
    count = torch.zeros(height, width, dtype=P.dtype)
    k = 0
    for row in range(0, height - size + 1, stride):
        for column in range(0, width - size + 1, stride):
            total[row : row + size, column : column + size] += P[k].reshape(size, size)
            count[row : row + size, column : column + size] += 1
            k += 1
    return total / count
