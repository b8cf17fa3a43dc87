"""Centres each sample instead of each coordinate: the mean was taken along a row (dim=1), so a pale image and a dark one become alike."""
# caught-by: q1_mean_visible, q1_random_hidden

# %% q1_centre
def centre(X):
    mu = X.mean(dim=1, keepdim=True)
    return X - mu, mu.squeeze(1)
