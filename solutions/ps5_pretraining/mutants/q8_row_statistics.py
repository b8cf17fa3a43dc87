"""Standardises each sample instead of each coordinate."""
# caught-by: q8_fair_visible, q8_standardise_hidden

# %% q8_fair
def draw_labelled(y, per_class, generator):
    index = []
    for label in y.unique():
        members = (y == label).nonzero()[:, 0]
        index.append(members[torch.randperm(len(members), generator=generator)[:per_class]])
    return torch.cat(index)


def standardise(H, H_test):
    mean, deviation = H.mean(dim=0), H.std(dim=0, correction=0)
    deviation = torch.where(H.max(dim=0).values > H.min(dim=0).values, deviation, 1.0)
    def rows(A):
        return (A - A.mean(dim=1, keepdim=True)) / A.std(dim=1, correction=0, keepdim=True).clamp(min=1e-12)

    return rows(H), rows(H_test)
