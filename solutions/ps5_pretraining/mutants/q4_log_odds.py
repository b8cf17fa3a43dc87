"""Trains the next layer on W h + b without the sigmoid: those are not the codes, and not between 0 and 1."""
# caught-by: q4_greedy_visible, q4_greedy_hidden

# %% q4_greedy
def train_layer(H, m, seed):
    layer = Layer(H.shape[1], m, seed)

    def loss(layer, x):
        return ((x - layer(x)) ** 2).sum(dim=1).mean()

    train(layer, H, loss=loss, epochs=30, batch_size=50, lr=2e-2, seed=seed, progress=False)
    return layer.weights()


def greedy(X, sizes, seed):
    layers, H = [], X
    for m in sizes:
        layers.append(train_layer(H, m, seed))
        W, b, _, _ = layers[-1]
        H = H @ W.T + b
    return layers
