"""Takes the step size of the codes, from D^T D: as a function of D the error curves like H^T H / n."""
# caught-by: q5_step_visible, q5_random_hidden

# %% q5_step
def dictionary_step(X, D, H):
    largest = torch.linalg.eigvalsh(D.T @ D)[-1]
    if largest <= 0:
        return D.clone()
    moved = D + (X - H @ D.T).T @ H / len(X) / largest
    return moved / moved.norm(dim=0)
