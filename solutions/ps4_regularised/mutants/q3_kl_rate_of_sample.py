"""Takes the mean over the units of a sample: the rate belongs to a unit, over the samples."""
# caught-by: q3_penalties_visible, q3_kl_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), H.sign() / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=1)
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum()
    slope = (1 - rate) / (1 - r) - rate / r
    return value, (slope / H.shape[1])[:, None].expand(-1, H.shape[1]).clone()
