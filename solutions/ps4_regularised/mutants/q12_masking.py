"""Trains with masking and is asked about Gaussian noise: a denoiser undoes the noise that it has seen."""
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
    for _ in range(steps):
        clean = X[torch.randint(0, len(X), (128,))]
        loss = ((model(clean * (torch.rand_like(clean) > 0.25)) - clean) ** 2).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return model(X_noisy)
