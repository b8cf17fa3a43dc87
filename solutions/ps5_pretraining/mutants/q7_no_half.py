"""Takes lambda for lambda / 2."""
# caught-by: q7_loss_visible, q7_loss_hidden

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    return functional.cross_entropy(H @ V.T + v, y) + penalty * (V**2).sum()


def fit_probe(H, y, n_classes, penalty):
    V = torch.zeros(n_classes, H.shape[1], dtype=H.dtype, requires_grad=True)
    v = torch.zeros(n_classes, dtype=H.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [V, v],
        max_iter=1000,
        tolerance_grad=1e-8,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = probe_loss(H, y, V, v, penalty)
        loss.backward()
        return loss

    optimizer.step(closure)
    return V.detach(), v.detach()
