"""Computes the codes once and then only changes the dictionary: each round begins with new codes."""
# caught-by: q6_alternation_visible, q6_alternation_hidden

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    D, history = D.clone(), []
    H = lasso_codes(X, D, penalty)
    for _ in range(iterations):
        for j in range(D.shape[1]):
            D[:, j] = update_atom(X, D, H, j)
        value = 0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum()
        history.append(float(value / len(X)))
    return H, D, history
