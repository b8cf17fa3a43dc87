"""Compares each code with the rate instead of each unit's mean: then a unit may not be silent on most samples and active on a few."""
# caught-by: q3_penalties_visible, q3_kl_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), H.sign() / len(H)


def kl_penalty(H, rate):
    r = H
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum() / len(H)
    slope = (1 - rate) / (1 - r) - rate / r
    return value, slope / len(H)
