"""Adds momentum."""
# caught-by: q6_fine_tune_visible, q6_fine_tune_hidden

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0):
    pieces = [tuple(t.clone() for t in pair) for pair in (*encoder, *decoder)]
    moving = [tensor.requires_grad_() for pair in pieces[frozen:] for tensor in pair]
    optimizer = torch.optim.SGD(moving, lr=lr, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        ((X - through(X, pieces)) ** 2).sum(dim=1).mean().backward()
        optimizer.step()
    pieces = [tuple(tensor.detach() for tensor in pair) for pair in pieces]
    return pieces[: len(encoder)], pieces[len(encoder) :]
