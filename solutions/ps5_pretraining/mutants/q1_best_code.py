"""Takes the energy of the best code for the free energy: max(0, a) for log(1 + e^a)."""
# caught-by: q1_free_energy_visible, q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return torch.sigmoid(X @ W.T + b)


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return -X @ c - torch.relu(X @ W.T + b).sum(dim=1)
