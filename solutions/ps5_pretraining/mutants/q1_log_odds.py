"""Returns log-odds for probabilities: the sigmoid is missing."""
# caught-by: q1_conditionals_visible, q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return X @ W.T + b


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return -X @ c - functional.softplus(X @ W.T + b).sum(dim=1)
