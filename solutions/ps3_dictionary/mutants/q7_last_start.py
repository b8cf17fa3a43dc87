"""Keeps what the last start gave: the objective is not convex, so the starts have to be compared by the F they end with."""
# caught-by: q7_recover_visible, q7_recover_hidden

# %% q7_recover
def recover(X, starts, penalty, iterations):
    D = None
    for start in starts:
        D, H = start.clone(), None
        for _ in range(iterations):
            H = lasso_codes(X, D, penalty, H, tol=1e-5)
            for j in range(D.shape[1]):
                pull = (X - H @ D.T).T @ H[:, j] + (H[:, j] @ H[:, j]) * D[:, j]
                if pull.norm() > 0:
                    D[:, j] = pull / pull.norm()
        H = lasso_codes(X, D, penalty, H, tol=1e-5)
    return D
