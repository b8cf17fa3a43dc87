"""Changes the data of the caller: X -= mu writes into the tensor that was passed in."""
# caught-by: q1_unchanged_visible

# %% q1_centre
def centre(X):
    mu = X.mean(dim=0)
    X -= mu
    return X, mu
