"""Adds the gradient: the step has to go against it."""
# caught-by: q5_step_visible, q5_random_hidden

# %% q5_step
def dictionary_step(X, D, H):
    largest = torch.linalg.eigvalsh(H.T @ H / len(X))[-1]
    if largest <= 0:
        return D.clone()
    moved = D - (X - H @ D.T).T @ H / len(X) / largest
    return moved / moved.norm(dim=0)
