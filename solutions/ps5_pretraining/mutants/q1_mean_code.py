"""Puts the mean code into the energy: the entropy of the code is missing."""
# caught-by: q1_free_energy_visible, q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return torch.sigmoid(X @ W.T + b)


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return energy(X, torch.sigmoid(X @ W.T + b), W, b, c)
