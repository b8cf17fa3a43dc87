"""Takes 1 for the derivative of |h|: it is the sign, -1 for negative codes and 0 at 0."""
# caught-by: q3_penalties_visible, q3_l1_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), torch.ones_like(H) / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (rate * torch.log(rate / r) + (1 - rate) * torch.log((1 - rate) / (1 - r))).sum()
    slope = (1 - rate) / (1 - r) - rate / r
    return value, (slope / len(H)).expand(len(H), -1).clone()
