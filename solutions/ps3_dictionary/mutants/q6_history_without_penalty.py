"""Records the reconstruction error: F includes the penalty, and only F is sure not to increase."""
# caught-by: q6_alternation_visible, q6_alternation_hidden

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    D, H, history = D.clone(), None, []
    for _ in range(iterations):
        H = lasso_codes(X, D, penalty, H)
        for j in range(D.shape[1]):
            D[:, j] = update_atom(X, D, H, j)
        history.append(float(0.5 * ((X - H @ D.T) ** 2).sum() / len(X)))
    return H, D, history
