"""Gives codes that are zero the gradient 1: the penalty would push them off zero, to the other side."""
# caught-by: q3_penalties_visible, q3_l1_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), torch.where(H >= 0, 1.0, -1.0) / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum()
    slope = (1 - rate) / (1 - r) - rate / r
    return value, (slope / len(H)).expand(len(H), -1).clone()
