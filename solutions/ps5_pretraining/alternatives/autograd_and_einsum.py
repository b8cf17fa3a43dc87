"""Gradients from autograd, the machine of bits for the likelihood, torch modules and SGD, einsum."""

# %% q1_rbm
def free_energy(X, W, b, c):
    # By way of the machine of bits; its energy differs by the sum of b.
    W_bits, b_bits, c_bits = 2 * W, 2 * b, c - W.sum(dim=0)
    return b.sum() - X @ c_bits - functional.softplus(functional.linear(X, W_bits, b_bits)).sum(dim=1)


def as_bits(W, b, c):
    return torch.mul(W, 2), torch.mul(b, 2), c - torch.einsum("jk->k", W)

# %% q2_likelihood
def log_likelihood(X, W, b, c):
    A = functional.linear(X, W, b)
    codes = all_spins(len(b))
    inputs = torch.einsum("sj,jk->sk", codes, W) + c
    log_z = (codes @ b + torch.logaddexp(inputs, torch.zeros_like(inputs)).sum(dim=1)).logsumexp(dim=0)
    return (X @ c + torch.logaddexp(A, -A).sum(dim=1) - log_z).mean()


def log_likelihood_gradient(X, W, b, c):
    leaves = [t.detach().clone().requires_grad_() for t in (W, b, c)]
    return torch.autograd.grad(log_likelihood(X, *leaves), leaves)

# %% q3_cd
def gibbs_step(X, W, b, c, u_h, u_x):
    zero = torch.zeros((), dtype=X.dtype)
    odds = functional.linear(X, W, b)
    p = torch.softmax(torch.stack([odds, -odds]), dim=0)[0]
    H = 2 * torch.heaviside(p - u_h, zero) - 1
    return H, torch.heaviside(torch.sigmoid(torch.einsum("nj,jk->nk", H, W) + c) - u_x, zero)


def pcd_gradient(X, chains, W, b, c, uniforms):
    for pair in uniforms:
        chains = gibbs_step(chains, W, b, c, *pair)[1]
    leaves = [t.detach().clone().requires_grad_() for t in (W, b, c)]

    def minus_f(S):
        W, b, c = leaves
        A = S @ W.T + b
        return S @ c + torch.logaddexp(A, -A).sum(dim=1)

    return (*torch.autograd.grad(minus_f(X).mean() - minus_f(chains).mean(), leaves), chains)

# %% q4_greedy
class Denoiser(torch.nn.Module):
    def __init__(self, start):
        super().__init__()
        self.W, self.b, self.D, self.c = (torch.nn.Parameter(t.clone()) for t in start)

    def forward(self, X):
        codes = torch.sigmoid(functional.linear(X, self.W, self.b))
        return torch.sigmoid(functional.linear(codes, self.D, self.c))


def train_layer(H, start, masks, lr):
    model = Denoiser(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for mask in masks:
        optimizer.zero_grad()
        loss = functional.mse_loss(model(H * mask), H, reduction="sum") / H.shape[0]
        loss.backward()
        optimizer.step()
    return model.W, model.b, model.D, model.c


def greedy(X, starts, masks, lr):
    layers = []
    for start, some in zip(starts, masks, strict=True):
        H = through(X, [layer[:2] for layer in layers])
        layers.append(tuple(t.detach() for t in train_layer(H, start, some, lr)))
    return layers

# %% q5_unroll
def unroll(layers):
    encoder = [layer[:2] for layer in layers]
    return encoder, [layer[2:] for layer in layers[::-1]]


def allowed_error(X, layers, tau):
    # By recursion, from the first layer up: what is left of tau goes through the decoder.
    def left_for(H, left, number):
        if number == len(layers):
            return left
        W, b, D, c = layers[number]
        code = torch.sigmoid(functional.linear(H, W, b))
        back = functional.linear(code, D, c)
        slope = 1.0
        if number:
            back, slope = back.sigmoid(), 0.25
        own = torch.linalg.vector_norm(H - back, dim=1)
        return left_for(code, (left - own) / (slope * torch.linalg.svdvals(D)[0]), number + 1)

    return functional.relu(left_for(X, torch.full((len(X),), float(tau), dtype=X.dtype), 0))

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0, anchor=0.0):
    linear = []
    for number, (A, a) in enumerate((*encoder, *decoder)):
        layer = torch.nn.Linear(A.shape[1], A.shape[0], dtype=A.dtype)
        layer.load_state_dict({"weight": A, "bias": a})
        layer.requires_grad_(number >= frozen)
        linear += [layer, torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*linear)
    moving = [p for p in model.parameters() if p.requires_grad]
    home = [p.detach().clone() for p in moving]

    def loss(model, x):
        pull = sum(((p - start) ** 2).sum() for p, start in zip(moving, home, strict=True))
        return ((x - model(x)) ** 2).sum() / len(x) + anchor / 2 * pull

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
    log_p = torch.log_softmax(functional.linear(H, V, v), dim=1).gather(1, y[:, None])[:, 0]
    return -torch.stack([log_p[y == k].mean() for k in y.unique()]).mean() + 0.5 * penalty * V.square().sum()


def fit_probe(H, y, n_classes, penalty):
    m = H.shape[1]

    def value(theta):
        theta = torch.from_numpy(theta).reshape(n_classes, m + 1).requires_grad_()
        loss = probe_loss(H, y, theta[:, :m], theta[:, m], penalty)
        loss.backward()
        return loss.item(), theta.grad.numpy().ravel()

    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 0.0, "gtol": 5e-6}
    best = minimize(value, np.zeros(n_classes * (m + 1)), jac=True, method="L-BFGS-B", options=options)
    theta = torch.from_numpy(best.x).reshape(n_classes, m + 1)
    return theta[:, :m].clone(), theta[:, m].clone()

# %% q8_fair
def draw_labelled(y, per_class, generator):
    key = torch.rand(len(y), dtype=torch.float64, generator=generator)
    order = key.argsort()
    _, classes = y[order].unique(return_inverse=True)
    rank = functional.one_hot(classes).cumsum(dim=0).gather(1, classes[:, None])[:, 0]
    return [order[rank <= number] for number in per_class]


def standardise(H, H_test):
    spread, centre = torch.std_mean(H, dim=0, correction=0)
    spread[(H == H[0]).all(dim=0)] = 1
    return torch.addcmul(-centre / spread, H, 1 / spread), (H_test - centre).div(spread)

# %% q9_study
def label_study(X, labelled, X_test, n_classes, sizes, seed):
    untrained = []
    for l, m in enumerate(sizes):
        layer = Layer(sizes[l - 1] if l else X.shape[1], m, seed + l)
        untrained.append((layer.W.detach(), layer.b.detach()))
    shape = 3, len(labelled), len(X_test), n_classes
    result = torch.zeros(shape, dtype=torch.float64)
    for row, pieces in enumerate([[], untrained, pretrain(X, sizes, seed)]):
        Z, Z_test = standardise(through(X, pieces), through(X_test, pieces))
        for j, (index, classes) in enumerate(labelled):
            V, v = fit_probe(Z[index], classes, n_classes, PENALTY)
            result[row, j] = functional.linear(Z_test, V, v).softmax(dim=1)
    return result


def paired_gain(a, b):
    variance, mean = torch.var_mean(a - b)
    return mean.item(), (variance / len(a)).sqrt().item()
