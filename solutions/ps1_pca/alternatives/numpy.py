"""Everything in NumPy: arrays, NumPy scalars and lists come back instead of tensors and floats."""

# %% q1_centre
def centre(X):
    A = X.numpy()
    return A - A.mean(axis=0), A.mean(axis=0)

# %% q2_covariance
def covariance(X):
    return np.cov(X.numpy(), rowvar=False, ddof=0)

# %% q3_directions
def principal_directions(X, m):
    A = X.numpy() - X.numpy().mean(axis=0)
    _, s, vt = np.linalg.svd(A, full_matrices=False)
    return vt[:m], s[:m] ** 2 / len(A)

# %% q4_codec
def encode(X, W, mu):
    return (X.numpy() - mu.numpy()) @ W.numpy().T


def decode(H, W, mu):
    return H.numpy() @ W.numpy() + mu.numpy()


def reconstruction_error(X, X_hat):
    return np.mean(np.sum((X.numpy() - X_hat.numpy()) ** 2, axis=1))

# %% q5_error
def pca_error(X, m):
    A = X.numpy() - X.numpy().mean(axis=0)
    return np.sum(np.linalg.svd(A, compute_uv=False)[m:] ** 2) / len(A)


def choose_dimension(variances, share):
    kept = np.cumsum(variances.numpy())
    return np.argmax(kept >= share * kept[-1]) + 1

# %% q6_whiten
def whiten(X, m):
    A = X.numpy() - X.numpy().mean(axis=0)
    u, _, _ = np.linalg.svd(A, full_matrices=False)
    return np.sqrt(len(A)) * u[:, :m]

# %% q10_escape
def escape_direction(X, W):
    A, B = X.numpy() - X.numpy().mean(axis=0), W.numpy()
    C = A.T @ A / len(A)
    # All of the orthogonal complement of the rows, then the best direction inside it.
    complement = np.linalg.svd(B)[2][len(B):].T
    values, vectors = np.linalg.eigh(complement.T @ C @ complement)
    return np.diag(B @ C @ B.T).argmin(), complement @ vectors[:, -1]
