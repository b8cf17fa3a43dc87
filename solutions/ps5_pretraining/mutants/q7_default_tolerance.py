"""Keeps the default 20 iterations of LBFGS without a line search and does not look at the gradient."""
# caught-by: q7_fit_hidden

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    return functional.cross_entropy(H @ V.T + v, y) + penalty / 2 * (V**2).sum()


def fit_probe(H, y, n_classes, penalty):
    V = torch.zeros(n_classes, H.shape[1], dtype=H.dtype, requires_grad=True)
    v = torch.zeros(n_classes, dtype=H.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [V, v],
    )

    def closure():
        optimizer.zero_grad()
        loss = probe_loss(H, y, V, v, penalty)
        loss.backward()
        return loss

    optimizer.step(closure)
    return V.detach(), v.detach()
