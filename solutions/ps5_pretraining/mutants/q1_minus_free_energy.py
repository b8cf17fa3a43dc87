"""Returns -F: the log of the sum, without its minus."""
# caught-by: q1_free_energy_visible, q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return torch.sigmoid(X @ W.T + b)


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return X @ c + functional.softplus(X @ W.T + b).sum(dim=1)
