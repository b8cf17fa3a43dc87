"""Subtracts one number: X.mean() without dim averages over all entries, and the coordinates keep means of their own."""
# caught-by: q1_mean_visible, q1_random_hidden

# %% q1_centre
def centre(X):
    mu = X.mean()
    return X - mu, mu.expand(X.shape[1])
