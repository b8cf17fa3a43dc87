"""Returns model minus data, which points downhill."""
# caught-by: q2_gradient_visible, q2_gradient_hidden

# %% q2_likelihood
def log_likelihood(X, W, b, c):
    def minus_free_energy(X):
        return X @ c + functional.softplus(X @ W.T + b).sum(dim=1)

    every = minus_free_energy(all_states(len(c)))
    return minus_free_energy(X).mean() - torch.logsumexp(every, dim=0)


def log_likelihood_gradient(X, W, b, c):
    states = all_states(len(c))
    p = torch.softmax(states @ c + functional.softplus(states @ W.T + b).sum(dim=1), dim=0)
    H, H_model = torch.sigmoid(X @ W.T + b), torch.sigmoid(states @ W.T + b)
    dW = H.T @ X / len(X) - (H_model * p[:, None]).T @ states
    return -dW, p @ H_model - H.mean(dim=0), p @ states - X.mean(dim=0)
