"""The half steps by torch.linalg.lstsq; the eigenvalues by the singular values of a QR factor."""

# %% q8_steps
def update_codes(Xc, D):
    return torch.linalg.lstsq(D, Xc.T).solution.T


def update_dictionary(Xc, H):
    return torch.linalg.lstsq(H, Xc).solution.T

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(torch.linalg.qr(Xc).R)
    return -Vh[:m], S[:m].square() / X.shape[0]
