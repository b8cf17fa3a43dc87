"""Shortens atoms that have become longer than one and leaves shorter ones: every atom has length one."""
# caught-by: q5_random_hidden

# %% q5_step
def dictionary_step(X, D, H):
    largest = torch.linalg.eigvalsh(H.T @ H / len(X))[-1]
    if largest <= 0:
        return D.clone()
    moved = D + (X - H @ D.T).T @ H / len(X) / largest
    return moved / moved.norm(dim=0).clamp(min=1)
