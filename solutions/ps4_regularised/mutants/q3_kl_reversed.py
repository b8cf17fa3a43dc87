"""Swaps the arguments of the divergence: KL(r_j || rate) is another function, which forgives silent units."""
# caught-by: q3_penalties_visible, q3_kl_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), H.sign() / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (r * torch.log(r / rate) + (1 - r) * torch.log((1 - r) / (1 - rate))).sum()
    slope = torch.log(r / rate) - torch.log((1 - r) / (1 - rate))
    return value, (slope / len(H)).expand(len(H), -1).clone()
