"""Computes the dictionary from the codes of the iteration before: every half step is then done twice and the alternation needs twice the iterations."""
# caught-by: q8_alternation_hidden

# %% q8_alternation
def alternate(Xc, D, iterations):
    errors = []
    H = update_codes(Xc, D)
    for _ in range(iterations):
        H, D = update_codes(Xc, D), update_dictionary(Xc, H)
        errors.append(float(((Xc - H @ D.T) ** 2).sum() / len(Xc)))
    return H, D, errors
