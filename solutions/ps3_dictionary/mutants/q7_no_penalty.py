"""Computes the codes by least squares: without the penalty every basis of the same space is as good, and the planted atoms are not singled out."""
# caught-by: q7_recover_visible, q7_recover_hidden

# %% q7_recover
def recover(X, starts, penalty, iterations):
    best, lowest = None, math.inf
    for start in starts:
        D, H = start.clone(), None
        for _ in range(iterations):
            H = torch.linalg.lstsq(D, X.T, driver="gelsd").solution.T
            for j in range(D.shape[1]):
                pull = (X - H @ D.T).T @ H[:, j] + (H[:, j] @ H[:, j]) * D[:, j]
                if pull.norm() > 0:
                    D[:, j] = pull / pull.norm()
        H = lasso_codes(X, D, penalty, H, tol=1e-5)
        value = float(0.5 * ((X - H @ D.T) ** 2).sum() + penalty * H.abs().sum())
        if value < lowest:
            best, lowest = D, value
    return best
