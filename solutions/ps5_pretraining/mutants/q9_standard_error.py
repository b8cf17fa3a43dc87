"""Reports the standard error of the mean for the standard deviation."""
# caught-by: q9_rules_hidden

# %% q9_study
def label_study(X, y, X_test, y_test, sizes, per_class, seeds):
    def codes(X, layers):
        return through(X, [layer[:2] for layer in layers])

    n_classes = int(y.max()) + 1
    accuracy = torch.zeros(len(seeds), 3, len(per_class), dtype=torch.float64)
    for s, seed in enumerate(seeds):
        widths = [X.shape[1], *sizes]
        untrained = [
            Layer(d, m, 100 * seed + l).weights()
            for l, (d, m) in enumerate(zip(widths, sizes, strict=False))
        ]
        stacks = [[], untrained, greedy(X, sizes, seed)]
        generator = torch.Generator().manual_seed(seed)
        for j, number in enumerate(per_class):
            index = draw_labelled(y, number, generator)
            for row, layers in enumerate(stacks):
                Z, Z_test = standardise(codes(X, layers), codes(X_test, layers))
                V, v = fit_probe(Z[index], y[index], n_classes, PENALTY)
                guess = (Z_test @ V.T + v).argmax(dim=1)
                accuracy[s, row, j] = (guess == y_test).double().mean()
    return accuracy.mean(dim=0), accuracy.std(dim=0, correction=0) / len(seeds) ** 0.5
