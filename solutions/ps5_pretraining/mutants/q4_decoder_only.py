"""Trains the decoder on random codes: the encoder stays what it was."""
# caught-by: q4_layer_visible

# %% q4_greedy
def train_layer(H, m, seed):
    layer = Layer(H.shape[1], m, seed)

    layer.W.requires_grad_(False)
    layer.b.requires_grad_(False)

    def loss(layer, x):
        return ((x - layer(x)) ** 2).sum(dim=1).mean()

    train(layer, H, loss=loss, epochs=30, batch_size=50, lr=2e-2, seed=seed, progress=False)
    return layer.weights()


def greedy(X, sizes, seed):
    layers, H = [], X
    for m in sizes:
        layers.append(train_layer(H, m, seed))
        W, b, _, _ = layers[-1]
        H = torch.sigmoid(H @ W.T + b)
    return layers
