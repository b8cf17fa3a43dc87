"""Forgets that one entry moves the unit's mean by 1/n only."""
# caught-by: q3_penalties_visible, q3_kl_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), H.sign() / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum()
    slope = (1 - rate) / (1 - r) - rate / r
    return value, slope.expand(len(H), -1).clone()
