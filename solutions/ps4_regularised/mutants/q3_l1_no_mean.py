"""Gives the l1 gradient of one sample: the mean over the samples needs its 1/n."""
# caught-by: q3_penalties_visible, q3_l1_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), H.sign()


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum()
    slope = (1 - rate) / (1 - r) - rate / r
    return value, (slope / len(H)).expand(len(H), -1).clone()
