"""Takes the largest absolute column sum of D for its largest singular value."""
# caught-by: q5_bound_visible, q5_bound_hidden

# %% q5_unroll
def stack_codes(X, layers):
    codes = []
    for W, b, _, _ in layers:
        X = torch.sigmoid(X @ W.T + b)
        codes.append(X)
    return codes


def unroll(layers):
    encoder = [(W.clone(), b.clone()) for W, b, _, _ in layers]
    decoder = [(D.clone(), c.clone()) for _, _, D, c in reversed(layers)]
    return encoder, decoder


def stack_bound(X, layers):
    bound, factor = torch.zeros(len(X), dtype=X.dtype), 1.0
    for W, b, D, c in layers:
        H = torch.sigmoid(X @ W.T + b)
        bound = bound + factor * (X - torch.sigmoid(H @ D.T + c)).norm(dim=1)
        factor = factor * torch.linalg.matrix_norm(D, ord=1) / 4
        X = H
    return bound
