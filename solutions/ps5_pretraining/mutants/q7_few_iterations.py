"""Stops after 20 iterations of gradient descent, far from the minimum."""
# caught-by: q7_fit_visible, q7_fit_hidden

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    return functional.cross_entropy(H @ V.T + v, y) + penalty / 2 * (V**2).sum()


def fit_probe(H, y, n_classes, penalty):
    V = torch.zeros(n_classes, H.shape[1], dtype=H.dtype, requires_grad=True)
    v = torch.zeros(n_classes, dtype=H.dtype, requires_grad=True)
    optimizer = torch.optim.SGD([V, v], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = probe_loss(H, y, V, v, penalty)
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)
    return V.detach(), v.detach()
