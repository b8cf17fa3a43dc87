"""Writes the new atoms into the dictionary of the caller: D[:, j] = ... changes the tensor that was passed in."""
# caught-by: q6_alternation_visible

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    H, history = None, []
    for _ in range(iterations):
        H = lasso_codes(X, D, penalty, H)
        for j in range(D.shape[1]):
            D[:, j] = update_atom(X, D, H, j)
        value = 0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum()
        history.append(float(value / len(X)))
    return H, D, history
