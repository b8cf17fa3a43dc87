"""Brings the rows of its argument to length 1 in place."""
# caught-by: q3_small_visible, q3_random_hidden


# %% q3_rows
def scale_rows(X, factors):
    X.mul_(factors[:, None])


def unit_rows(X):
    return X.div_(X.norm(dim=1, keepdim=True))
