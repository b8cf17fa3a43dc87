"""Computes the codes once more at the end: the H that is returned is not the one whose F was recorded."""
# caught-by: q6_alternation_visible, q6_alternation_hidden

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    D, H, history = D.clone(), None, []
    for _ in range(iterations):
        H = lasso_codes(X, D, penalty, H)
        for j in range(D.shape[1]):
            D[:, j] = update_atom(X, D, H, j)
        value = 0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum()
        history.append(float(value / len(X)))
    return lasso_codes(X, D, penalty, H), D, history
