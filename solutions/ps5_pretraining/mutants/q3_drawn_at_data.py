"""Uses the drawn code at the data, where p(h | x) is known exactly."""
# caught-by: q3_cd_visible, q3_cd_hidden

# %% q3_cd
def gibbs_step(X, W, b, c, u_h, u_x):
    H = (u_h < torch.sigmoid(X @ W.T + b)).double()
    return H, (u_x < torch.sigmoid(H @ W + c)).double()


def cd_gradient(X, W, b, c, uniforms):
    X_k = X
    for u_h, u_x in uniforms:
        _, X_k = gibbs_step(X_k, W, b, c, u_h, u_x)
    H = (uniforms[0][0] < torch.sigmoid(X @ W.T + b)).double()
    H_k = torch.sigmoid(X_k @ W.T + b)
    dW = (H.T @ X - H_k.T @ X_k) / len(X)
    return dW, (H - H_k).mean(dim=0), (X - X_k).mean(dim=0)
