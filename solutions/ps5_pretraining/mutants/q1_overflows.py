"""Computes log(1 + e^a) as it is written, which is infinite where a is large."""
# caught-by: q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return torch.sigmoid(X @ W.T + b)


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return -X @ c - torch.log(1 + torch.exp(X @ W.T + b)).sum(dim=1)
