"""The half steps by the pseudoinverse, the loop with its own formulas."""

# %% q8_steps
def update_codes(Xc, D):
    return Xc @ torch.linalg.pinv(D).T


def update_dictionary(Xc, H):
    return (torch.linalg.pinv(H) @ Xc).T

# %% q8_alternation
def alternate(Xc, D, iterations):
    errors = []
    for _ in range(iterations):
        H = Xc @ D @ torch.linalg.inv(D.T @ D)
        D = Xc.T @ H @ torch.linalg.inv(H.T @ H)
        errors.append(((Xc - H @ D.T) ** 2).sum(dim=1).mean())
    return [H, D, tuple(errors)]
