"""Returns the weights that the layer starts with."""
# caught-by: q4_layer_visible, q4_greedy_visible, q4_layer_hidden, q4_greedy_hidden

# %% q4_greedy
def train_layer(H, m, seed):
    layer = Layer(H.shape[1], m, seed)

    def loss(layer, x):
        return ((x - layer(x)) ** 2).sum(dim=1).mean()

    return layer.weights()


def greedy(X, sizes, seed):
    layers, H = [], X
    for m in sizes:
        layers.append(train_layer(H, m, seed))
        W, b, _, _ = layers[-1]
        H = torch.sigmoid(H @ W.T + b)
    return layers
