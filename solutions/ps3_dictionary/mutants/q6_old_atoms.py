"""Updates all atoms from the dictionary of the round before: each update has to see the atoms changed before it, or several atoms correct the same error and F can rise."""
# caught-by: q6_alternation_visible, q6_alternation_hidden

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    D, H, history = D.clone(), None, []
    for _ in range(iterations):
        H = lasso_codes(X, D, penalty, H)
        D = torch.stack([update_atom(X, D, H, j) for j in range(D.shape[1])], dim=1)
        value = 0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum()
        history.append(float(value / len(X)))
    return H, D, history
