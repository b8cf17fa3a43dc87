"""Draws the noise once and learns it by heart."""
# caught-by: q12_train_visible, q12_other_hidden

# %% q12_train
def learn_to_denoise(X, std, X_noisy, seed):
    torch.manual_seed(seed)
    d, width, steps = X.shape[1], 192, 1500
    model = torch.nn.Sequential(
        torch.nn.Linear(d, width), torch.nn.ReLU(), torch.nn.Linear(width, d), torch.nn.Sigmoid()
    ).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    noisy = X + std * torch.randn_like(X)
    for _ in range(steps):
        batch = torch.randint(0, len(X), (128,))
        clean = X[batch]
        loss = ((model(noisy[batch]) - clean) ** 2).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return model(X_noisy)
