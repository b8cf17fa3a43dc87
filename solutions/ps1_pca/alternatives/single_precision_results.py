"""Everything is returned in float32, as whoever mixes libraries may do: the values are the same."""

# %% q2_covariance
def merge(n1, mu1, C1, n2, mu2, C2):
    n = n1 + n2
    d1, d2 = mu1 - (n1 * mu1 + n2 * mu2) / n, mu2 - (n1 * mu1 + n2 * mu2) / n
    C = n1 / n * (C1 + torch.outer(d1, d1)) + n2 / n * (C2 + torch.outer(d2, d2))
    return n, ((n1 * mu1 + n2 * mu2) / n).float(), C.float()
