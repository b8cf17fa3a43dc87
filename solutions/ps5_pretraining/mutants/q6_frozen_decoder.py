"""Freezes the decoders of the frozen layers along with them."""
# caught-by: q6_fine_tune_visible, q6_fine_tune_hidden

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0):
    pieces = [tuple(t.clone() for t in pair) for pair in (*encoder, *decoder)]
    moving = [tensor.requires_grad_() for pair in pieces[frozen : len(pieces) - frozen] for tensor in pair]
    for _ in range(steps):
        error = ((X - through(X, pieces)) ** 2).sum(dim=1).mean()
        gradients = torch.autograd.grad(error, moving)
        with torch.no_grad():
            for tensor, gradient in zip(moving, gradients, strict=True):
                tensor -= lr * gradient
    pieces = [tuple(tensor.detach() for tensor in pair) for pair in pieces]
    return pieces[: len(encoder)], pieces[len(encoder) :]
