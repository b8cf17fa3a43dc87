"""Standardises: centring subtracts the mean and leaves the units alone, dividing by the standard deviation is another operation."""
# caught-by: q1_mean_visible, q1_random_hidden

# %% q1_centre
def centre(X):
    mu = X.mean(dim=0)
    return (X - mu) / X.std(dim=0, correction=0), mu
