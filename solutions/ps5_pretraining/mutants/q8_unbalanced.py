"""Draws from all samples at once: classes get as many labels as chance gives them."""
# caught-by: q8_fair_visible, q8_draw_hidden

# %% q8_fair
def draw_labelled(y, per_class, generator):
    return torch.randperm(len(y), generator=generator)[: per_class * len(y.unique())]


def standardise(H, H_test):
    mean, deviation = H.mean(dim=0), H.std(dim=0, correction=0)
    deviation = torch.where(H.max(dim=0).values > H.min(dim=0).values, deviation, 1.0)
    return (H - mean) / deviation, (H_test - mean) / deviation
