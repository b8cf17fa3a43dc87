"""Records the error between the half steps: the list then belongs to the old dictionary, not to the factors that are returned."""
# caught-by: q8_alternation_visible, q8_alternation_hidden

# %% q8_alternation
def alternate(Xc, D, iterations):
    errors = []
    for _ in range(iterations):
        H = update_codes(Xc, D)
        errors.append(float(((Xc - H @ D.T) ** 2).sum() / len(Xc)))
        D = update_dictionary(Xc, H)
    return H, D, errors
