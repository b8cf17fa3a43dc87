"""Records the mean over all entries: the error is a sum over coordinates and a mean over samples."""
# caught-by: q8_alternation_visible, q8_alternation_hidden

# %% q8_alternation
def alternate(Xc, D, iterations):
    errors = []
    for _ in range(iterations):
        H = update_codes(Xc, D)
        D = update_dictionary(Xc, H)
        errors.append(float(((Xc - H @ D.T) ** 2).mean()))
    return H, D, errors
