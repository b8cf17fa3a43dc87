"""Averages over the units as well: ||h||_1 is a sum over them."""
# caught-by: q3_penalties_visible, q3_l1_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().mean(), H.sign() / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum()
    slope = (1 - rate) / (1 - r) - rate / r
    return value, (slope / len(H)).expand(len(H), -1).clone()
