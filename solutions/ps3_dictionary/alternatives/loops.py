"""Sums written out, sample by sample and atom by atom."""

# %% q1_objective
def objective(X, D, H, penalty, counts):
    total = seen = 0.0
    for x, h, count in zip(X, H, counts.tolist()):
        residual = x - D @ h
        total += count * (0.5 * float(residual @ residual) + penalty * sum(abs(c) for c in h.tolist()))
        seen += count
    return total / seen

# %% q1_lengths
def cheating_lengths(H):
    s = [sum(abs(v) for v in column) for column in H.T.tolist()]
    c = [v ** (1 / 3) for v in s]
    scale = math.sqrt(len(c) / sum(v * v for v in c))
    return [scale * v for v in c]

# %% q2_normalise
def normalise(D, H, penalties):
    atoms, codes, prices = D.T.tolist(), H.T.tolist(), penalties.tolist()
    for j, atom in enumerate(atoms):
        length = math.sqrt(sum(v * v for v in atom))
        if length > 0:
            atoms[j] = [v / length for v in atom]
            codes[j] = [v * length for v in codes[j]]
            prices[j] /= length
    return [[*row] for row in zip(*atoms)], [[*row] for row in zip(*codes)], prices

# %% q3_codes
def ista_codes(X, D, W, penalty, H, steps):
    out = []
    for x, w, h in zip(X, W, H):
        root = torch.diag(w.sqrt()) @ D
        largest = float(torch.linalg.eigvalsh(root @ root.T)[-1])
        for _ in range(steps):
            b = h - D.T @ (w * (D @ h - x)) / largest
            h = torch.tensor([math.copysign(max(abs(v) - penalty / largest, 0.0), v) for v in b.tolist()],
                             dtype=X.dtype)
        out.append(h)
    return out

# %% q4_gradient
def dictionary_gradient(X, D, H, delta):
    G = torch.zeros_like(D)
    for x, h in zip(X, H):
        r = D @ h - x
        G += torch.outer(delta * r / torch.sqrt(delta**2 + r**2), h) / len(X)
    return G.tolist()

# %% q5_step
def dictionary_step(X, D, H, W):
    rows, largest = [], 0.0
    for k in range(len(D)):
        A = sum(w * torch.outer(h, h) for h, w in zip(H, W[:, k])) / len(X)
        largest = max(largest, float(torch.linalg.svdvals(A)[0]))
        rows.append(sum(w * (x - D[k] @ h) * h for x, h, w in zip(X[:, k], H, W[:, k])) / len(X))
    if largest == 0:
        return D.tolist()
    atoms = []
    for old, up in zip(D.T, torch.stack(rows).T):
        new = old + up / largest
        atoms.append(new / new.norm() if new.any() else old)
    return torch.stack(atoms, dim=1)

# %% q6_atom
def update_atom(X, D, H, j):
    u = torch.zeros(len(D), dtype=D.dtype)
    for x, h in zip(X, H):
        left = x - sum((h[k] * D[:, k] for k in range(D.shape[1]) if k != j), torch.zeros_like(x))
        u += h[j] * left
    if all(h[j] == 0 for h in H):
        return D[:, j]
    u = u.tolist()
    top = max(u)
    best = [max(v, 0.0) for v in u] if top > 0 else [float(k == u.index(top)) for k in range(len(u))]
    length = math.sqrt(sum(v * v for v in best))
    return [v / length for v in best]

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    atoms = list(D.T.clone())
    history, H = [], None
    for _ in range(iterations):
        H = lasso_codes(X, torch.stack(atoms, dim=1), penalty, H)
        residual = X - H @ torch.stack(atoms)
        free = set(range(len(X)))
        for j, atom in enumerate(atoms):
            if H[:, j].any():
                residual += torch.outer(H[:, j], atom)
                u = residual.T @ H[:, j]
                atoms[j] = u / u.norm()
                residual -= torch.outer(H[:, j], atoms[j])
            else:
                worst = max(free, key=lambda i: float(residual[i] @ residual[i]))
                free.remove(worst)
                atoms[j] = X[worst] / X[worst].norm()
        history.append(0.5 * (residual**2).sum() / len(X) + penalty * H.abs().sum() / len(X))
    return H, torch.stack(atoms, dim=1), history

# %% q7_recover
def recover(X, starts, penalty, iterations):
    ends = []
    for k, start in enumerate(starts):
        atoms, H = [a.clone() for a in start.T], None
        for _ in range(iterations):
            H = lasso_codes(X, torch.stack(atoms, dim=1), penalty, H)
            for j in range(len(atoms)):
                atoms[j] = best_atom(X, torch.stack(atoms, dim=1), H, j)
        D = torch.stack(atoms, dim=1)
        H = lasso_codes(X, D, penalty, H, tol=1e-10)
        total = sum(0.5 * float((x - D @ h) @ (x - D @ h)) + penalty * float(h.abs().sum()) for x, h in zip(X, H))
        ends.append([total / len(X), k, D.tolist()])
    value, k, D = min(ends)
    return [D, value, k]

# %% q7_match
def match_atoms(D, D_true):
    # All assignments one after the other for a few atoms, the library's for many.
    def cosine(a, b):
        return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

    table = [[cosine(D[:, i], D_true[:, j]) for i in range(D.shape[1])] for j in range(D_true.shape[1])]
    best, columns = -1.0, None

    def search(j, chosen, total):
        nonlocal best, columns
        if j == len(table):
            if total > best:
                best, columns = total, list(chosen)
            return
        for i in range(D.shape[1]):
            if i not in chosen:
                search(j + 1, [*chosen, i], total + abs(table[j][i]))

    search(0, [], 0.0)
    found = [table[j][i] for j, i in enumerate(columns)]
    return columns, [-1 if c < 0 else 1 for c in found], [abs(c) for c in found]

# %% q8_mean
def remove_mean(P, known):
    rows, means = [], []
    for patch, use in zip(P.tolist(), known.tolist()):
        values = [p for p, one in zip(patch, use) if one]
        means.append(sum(values) / len(values) if values else 0)
        rows.append([(p - means[-1]) * one for p, one in zip(patch, use)])
    return rows, means

# %% q8_assemble
def assemble(P, weights, height, width, size, stride):
    values = {}
    corners = [(y, x) for y in range(0, height - size + 1, stride) for x in range(0, width - size + 1, stride)]
    for (y, x), patch, weight in zip(corners, P.tolist(), weights.tolist()):
        for k, value in enumerate(patch):
            values.setdefault((y + k // size, x + k % size), []).append((weight, value))
    image = torch.zeros(height, width, dtype=P.dtype)
    for (y, x), several in values.items():
        image[y, x] = sum(w * v for w, v in several) / sum(w for w, _ in several)
    return image

# %% q9_denoise
def denoise(Y, D, sigma, c, mu):
    size = round(len(D) ** 0.5)
    D = torch.stack([atom / atom.norm() for atom in D.T], dim=1)
    corners = [(y, x) for y in range(Y.shape[0] - size + 1) for x in range(Y.shape[1] - size + 1)]
    patches = [Y[y : y + size, x : x + size].flatten() for y, x in corners]
    codes = lasso_codes(torch.stack([p - p.mean() for p in patches]), D, c * sigma, tol=1e-5)
    total, count = mu * Y, torch.zeros_like(Y) + mu
    for (y, x), p, h in zip(corners, patches, codes):
        total[y : y + size, x : x + size] += (D @ h).reshape(size, size) + p.mean()
        count[y : y + size, x : x + size] += 1
    return (total / count).tolist()
