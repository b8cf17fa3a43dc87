"""Chooses among the starts before the alternation: it is the end of each run that counts."""
# caught-by: q7_recover_visible, q7_recover_hidden

# %% q7_recover
def recover(X, starts, penalty, iterations):
    best, lowest = None, math.inf
    for start in starts:
        D, H = start.clone(), None
        for _ in range(iterations):
            break
        H = lasso_codes(X, D, penalty, H, tol=1e-5)
        value = float(0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum())
        if value < lowest:
            best, lowest = D, value
    return best
