"""Never updates the dictionary: the new one is computed and thrown away, so every iteration solves the same problem again."""
# caught-by: q8_alternation_visible, q8_alternation_hidden

# %% q8_alternation
def alternate(Xc, D, iterations):
    errors = []
    for _ in range(iterations):
        H = update_codes(Xc, D)
        best = update_dictionary(Xc, H)
        errors.append(float(((Xc - H @ best.T) ** 2).sum() / len(Xc)))
    return H, best, errors
