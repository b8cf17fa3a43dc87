"""Fits the classes by least squares on one-hot labels: another loss, with another minimum."""
# caught-by: q7_fit_visible, q7_fit_hidden

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    return functional.cross_entropy(H @ V.T + v, y) + penalty / 2 * (V**2).sum()


def fit_probe(H, y, n_classes, penalty):
    Y = functional.one_hot(y, n_classes).double()
    Hc = H - H.mean(dim=0)
    gram = Hc.T @ Hc / len(H) + penalty * torch.eye(H.shape[1], dtype=H.dtype)
    V = torch.linalg.solve(gram, Hc.T @ (Y - Y.mean(dim=0)) / len(H)).T
    return V, Y.mean(dim=0) - V @ H.mean(dim=0)
