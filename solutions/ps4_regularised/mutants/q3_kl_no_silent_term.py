"""Leaves out the term of the silent state: then more activity always lowers the penalty."""
# caught-by: q3_penalties_visible, q3_kl_hidden

# %% q3_penalties
def l1_penalty(H):
    return H.abs().sum() / len(H), H.sign() / len(H)


def kl_penalty(H, rate):
    r = H.mean(dim=0)
    value = (rate * torch.log(rate / r)).sum()
    slope = -rate / r
    return value, (slope / len(H)).expand(len(H), -1).clone()
