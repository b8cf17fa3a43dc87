"""Gradients from autograd, minima from scipy, tied weights in the layers, SGD of torch for fine-tuning."""

# %% q1_rbm
def hidden_given_visible(X, W, b):
    # The derivative of -F for b.
    b = b.clone().requires_grad_()
    rows = [torch.autograd.grad(functional.softplus(W @ x + b).sum(), b)[0] for x in X]
    return torch.stack(rows)


def visible_given_hidden(H, W, c):
    return 1 - torch.sigmoid(-functional.linear(H, W.T, c))


def free_energy(X, W, b, c):
    A = functional.linear(X, W, b)
    return -(torch.logaddexp(A, torch.zeros_like(A)).sum(dim=1) + X @ c)

# %% q2_likelihood
def log_likelihood(X, W, b, c):
    def minus_f(X):
        A = functional.linear(X, W, b)
        return torch.logaddexp(A, torch.zeros_like(A)).sum(dim=1) + X @ c

    return (minus_f(X) - minus_f(all_states(len(c))).logsumexp(dim=0)).mean()


def log_likelihood_gradient(X, W, b, c):
    leaves = [t.detach().clone().requires_grad_() for t in (W, b, c)]
    return torch.autograd.grad(log_likelihood(X, *leaves), leaves)

# %% q3_cd
def gibbs_step(X, W, b, c, u_h, u_x):
    H = torch.heaviside(torch.sigmoid(functional.linear(X, W, b)) - u_h, torch.zeros((), dtype=X.dtype))
    return H, torch.heaviside(torch.sigmoid(functional.linear(H, W.T, c)) - u_x, torch.zeros((), dtype=X.dtype))


def cd_gradient(X, W, b, c, uniforms):
    X_k = X
    for pair in uniforms:
        X_k = gibbs_step(X_k, W, b, c, *pair)[1]
    leaves = [t.detach().clone().requires_grad_() for t in (W, b, c)]

    def minus_f(X):
        W, b, c = leaves
        return X @ c + functional.softplus(X @ W.T + b).sum(dim=1)

    return torch.autograd.grad((minus_f(X) - minus_f(X_k)).mean(), leaves)

# %% q4_greedy
class Tied(torch.nn.Module):
    def __init__(self, d, m, seed):
        super().__init__()
        W, b, _, c = Layer(d, m, seed).weights()
        self.W, self.b, self.c = (torch.nn.Parameter(t) for t in (W, b, c))

    def forward(self, X):
        H = torch.sigmoid(functional.linear(X, self.W, self.b))
        return functional.linear(H, self.W.T, self.c)


def train_layer(H, m, seed):
    layer = Tied(H.shape[1], m, seed)

    def loss(layer, x):
        return functional.binary_cross_entropy_with_logits(layer(x), x, reduction="sum") / len(x)

    train(layer, H, loss=loss, epochs=80, batch_size=32, lr=1e-2, seed=seed, progress=False)
    W, b, c = (p.detach() for p in (layer.W, layer.b, layer.c))
    return W, b, W.T, c


def greedy(X, sizes, seed):
    if not sizes:
        return []
    first = train_layer(X, sizes[0], seed)
    return [first, *greedy(torch.sigmoid(functional.linear(X, *first[:2])), sizes[1:], seed)]

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0):
    linear = []
    for number, (A, a) in enumerate((*encoder, *decoder)):
        layer = torch.nn.Linear(A.shape[1], A.shape[0], dtype=A.dtype)
        layer.load_state_dict({"weight": A, "bias": a})
        layer.requires_grad_(number >= frozen)
        linear += [layer, torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*linear)

    def loss(model, x):
        return ((x - model(x)) ** 2).sum() / len(x)

    if steps:
        train(
            model,
            X,
            loss=loss,
            epochs=steps,
            batch_size=None,
            optimizer=lambda p: torch.optim.SGD(p, lr=lr),
            progress=False,
        )
    pairs = [(layer.weight.detach(), layer.bias.detach()) for layer in linear[::2]]
    return pairs[: len(encoder)], pairs[len(encoder) :]

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    log_p = torch.log_softmax(functional.linear(H, V, v), dim=1)
    return -log_p.gather(1, y[:, None]).mean() + 0.5 * penalty * torch.linalg.vector_norm(V) ** 2


def fit_probe(H, y, n_classes, penalty):
    m = H.shape[1]

    def value(theta):
        theta = torch.from_numpy(theta).reshape(n_classes, m + 1).requires_grad_()
        loss = probe_loss(H, y, theta[:, :m], theta[:, m], penalty)
        loss.backward()
        return loss.item(), theta.grad.numpy().ravel()

    start = np.zeros(n_classes * (m + 1))
    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-15, "gtol": 1e-7}
    best = minimize(value, start, jac=True, method="L-BFGS-B", options=options)
    theta = torch.from_numpy(best.x).reshape(n_classes, m + 1)
    return theta[:, :m].clone(), theta[:, m].clone()
