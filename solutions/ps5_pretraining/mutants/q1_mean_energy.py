"""Averages the energy over the codes: the log of the sum is not the sum of the logs."""
# caught-by: q1_free_energy_visible, q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return torch.sigmoid(X @ W.T + b)


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return -X @ c - 0.5 * (X @ W.T + b).sum(dim=1)
