"""Scales the atoms to length one and keeps the codes: their product changes, so the codes have to be scaled the other way."""
# caught-by: q8_alternation_hidden

# %% q8_alternation
def alternate(Xc, D, iterations):
    errors = []
    for _ in range(iterations):
        H = update_codes(Xc, D)
        D = update_dictionary(Xc, H)
        D = D / D.norm(dim=0)
        errors.append(float(((Xc - H @ D.T) ** 2).sum() / len(Xc)))
    return H, D, errors
