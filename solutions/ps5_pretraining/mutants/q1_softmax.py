"""Lets the units share one probability with a softmax: given x they are independent, each with a sigmoid of its own."""
# caught-by: q1_conditionals_visible, q1_rbm_hidden

# %% q1_rbm
def hidden_given_visible(X, W, b):
    return torch.softmax(X @ W.T + b, dim=1)


def visible_given_hidden(H, W, c):
    return torch.sigmoid(H @ W + c)


def free_energy(X, W, b, c):
    return -X @ c - functional.softplus(X @ W.T + b).sum(dim=1)
