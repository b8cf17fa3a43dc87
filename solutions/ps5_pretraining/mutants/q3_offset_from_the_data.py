"""Gives the data's mean for the offset of the sample, without the chain's."""
# caught-by: q3_cd_visible, q3_cd_hidden

# %% q3_cd
def gibbs_step(X, W, b, c, u_h, u_x):
    H = (u_h < torch.sigmoid(X @ W.T + b)).double()
    return H, (u_x < torch.sigmoid(H @ W + c)).double()


def cd_gradient(X, W, b, c, uniforms):
    X_k = X
    for u_h, u_x in uniforms:
        _, X_k = gibbs_step(X_k, W, b, c, u_h, u_x)
    H, H_k = torch.sigmoid(X @ W.T + b), torch.sigmoid(X_k @ W.T + b)
    dW = (H.T @ X - H_k.T @ X_k) / len(X)
    return dW, (H - H_k).mean(dim=0), X.mean(dim=0)
