"""Ignores the seed: all layers of all students start from the same weights."""
# caught-by: q4_layer_hidden

# %% q4_greedy
def train_layer(H, m, seed):
    layer = Layer(H.shape[1], m, 0)

    def loss(layer, x):
        return ((x - layer(x)) ** 2).sum(dim=1).mean()

    train(layer, H, loss=loss, epochs=30, batch_size=50, lr=2e-2, seed=0, progress=False)
    return layer.weights()


def greedy(X, sizes, seed):
    layers, H = [], X
    for m in sizes:
        layers.append(train_layer(H, m, seed))
        W, b, _, _ = layers[-1]
        H = torch.sigmoid(H @ W.T + b)
    return layers
