"""Takes mean and deviation over training and test codes together: the test set leaks into training."""
# caught-by: q8_fair_visible, q8_standardise_hidden

# %% q8_fair
def draw_labelled(y, per_class, generator):
    index = []
    for label in y.unique():
        members = (y == label).nonzero()[:, 0]
        index.append(members[torch.randperm(len(members), generator=generator)[:per_class]])
    return torch.cat(index)


def standardise(H, H_test):
    both = torch.cat([H, H_test])
    mean, deviation = both.mean(dim=0), both.std(dim=0, correction=0)
    deviation = torch.where(H.max(dim=0).values > H.min(dim=0).values, deviation, 1.0)
    return (H - mean) / deviation, (H_test - mean) / deviation
