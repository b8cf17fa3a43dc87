"""Trains the whole deep autoencoder at once: its layers need not reconstruct what lies below them."""
# caught-by: q4_greedy_visible, q4_greedy_hidden

# %% q4_greedy
def train_layer(H, m, seed):
    layer = Layer(H.shape[1], m, seed)

    def loss(layer, x):
        return ((x - layer(x)) ** 2).sum(dim=1).mean()

    train(layer, H, loss=loss, epochs=30, batch_size=50, lr=2e-2, seed=seed, progress=False)
    return layer.weights()


def greedy(X, sizes, seed):
    widths = [X.shape[1], *sizes]
    stack = torch.nn.ModuleList(
        [Layer(d, m, seed) for d, m in zip(widths, sizes, strict=False)]
    )

    def loss(stack, x):
        up = [(layer.W, layer.b) for layer in stack]
        down = [(layer.D, layer.c) for layer in reversed(stack)]
        return ((x - through(x, up + down)) ** 2).sum(dim=1).mean()

    train(stack, X, loss=loss, epochs=30, batch_size=50, lr=2e-2, seed=seed, progress=False)
    return [layer.weights() for layer in stack]
