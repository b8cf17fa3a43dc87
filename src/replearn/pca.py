r"""Principal component analysis.

Data ``X`` (n, d) with mean ``mu``, centred ``Xc = X - mu``. PCA with ``m`` components minimises the
reconstruction error over all affine subspaces of dimension ``m``::

    min  (1/n) sum_i || x_i - mu - V V^T (x_i - mu) ||^2     over V (d, m), V^T V = I

The minimum is the sum of the discarded eigenvalues of ``(1/n) Xc^T Xc``, reached by its first
``m`` eigenvectors, the right singular vectors of ``Xc`` (Eckart and Young 1936). The linear
autoencoders of :mod:`replearn.linear_autoencoder` find the same subspace.

Everything here follows the dtype and device of the tensors it is given.

References
----------
C. Eckart and G. Young, Psychometrika 1 (1936). N. Halko, P.-G. Martinsson and J. A. Tropp,
SIAM Review 53 (2011).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from replearn._batches import slices
from replearn._validate import check_fitted, check_matrix, check_seed

__all__ = ["PCA"]

Solver = Literal["auto", "svd", "gram", "randomized"]
_SOLVERS = ("auto", "svd", "gram", "randomized")

_ROWS = 4096  # rows centred at a time: bounds the memory, and the copy stays near the cache
_BLOCKS = 7  # column blocks of the Gram matrix; those below the diagonal are not computed (3/7)
_OVERSAMPLE = 10
_POWER_ITERATIONS = 5


class PCA:
    r"""Principal component analysis of a tensor, with scikit-learn's names and conventions.

    ``transform`` gives ``H = (X - mean_) components_^T``, ``inverse_transform`` gives
    ``mean_ + H components_``.

    Parameters
    ----------
    n_components : int, float or None
        Number of components, 1 to min(n, d); a float in (0, 1) takes as few as explain more than
        that fraction of the variance; None takes min(n, d).
    solver : {"auto", "svd", "gram", "randomized"}
        How the singular vectors are computed.

        - "svd": of the centred data. The most accurate; O(n d min(n, d)) and a copy of X.
        - "gram": eigenvectors of the smaller of the two Gram matrices, Xc^T Xc (d, d) or
          Xc Xc^T (n, n). The fastest when one of n and d is up to a few thousand. It squares the
          condition number: singular values below (16 k)^(1/4) sqrt(eps) of the largest, for a
          Gram matrix (k, k), are rounding noise, and so are their components (for k = 100 that
          is 2e-3 in float32, 1e-7 in float64). Products are formed in the data's dtype from
          centred rows; those of Xc^T Xc are summed in float64.
        - "randomized": range finder with 5 power iterations (Halko, Martinsson and Tropp 2011).
          For few components of data that is large both ways; approximate, best where the
          spectrum falls fast.
        - "auto": "svd" while that takes well under a second (n d min(n, d) up to 1e9),
          "randomized" for n_components under a tenth of min(n, d) > 2,000, otherwise "gram".
    whiten : bool
        Divide the codes by their standard deviation (n - 1 in its denominator, as in
        scikit-learn). Directions in which the data has no variance but for rounding get the
        code 0: those whose singular value is at most max(n, d) eps of the largest, or noise of
        the "gram" solver, as above.
    seed : int
        Seed of the randomized solver. The global random state is not used.

    Attributes
    ----------
    components_ : Tensor, (m, d)
        Orthonormal rows, by decreasing variance. The entry of largest absolute value in each row
        is positive, which fixes the sign.
    mean_ : Tensor, (d,)
        Mean of the samples.
    explained_variance_ : Tensor, (m,)
        Variances of the codes before whitening, with n - 1 in the denominator. The eigenvalues of
        the covariance (1/n) Xc^T Xc are (n - 1)/n times these.
    explained_variance_ratio_ : Tensor, (m,)
        The same as a fraction of the total variance.
    singular_values_ : Tensor, (m,)
        Singular values of Xc.
    noise_variance_ : float
        Mean variance of the min(n, d) - m discarded components, 0 if there is none.
    n_components_ : int
        Number m of components.
    n_features_in_ : int
        Dimension d of the samples.
    n_samples_ : int
        Number n of the samples.
    solver_ : str
        The solver used.

    Raises
    ------
    ValueError
        X is not a finite float (n, d) tensor, n_components does not fit it, or a method is called
        before ``fit`` (scikit-learn's NotFittedError).

    Examples
    --------
    Points near a line through the origin:

    >>> X = torch.tensor([[2.0, 1.0], [-2.0, -1.0], [4.0, 2.0], [-4.0, -2.1]])
    >>> pca = PCA(1).fit(X)
    >>> pca.components_
    tensor([[0.8908, 0.4544]])
    >>> pca.transform(X).shape
    torch.Size([4, 1])
    >>> bool((pca.inverse_transform(pca.transform(X)) - X).abs().max() < 0.1)
    True
    """

    components_: Tensor
    mean_: Tensor
    explained_variance_: Tensor
    explained_variance_ratio_: Tensor
    singular_values_: Tensor
    noise_variance_: float
    n_components_: int
    n_features_in_: int
    n_samples_: int
    solver_: str

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        solver: Solver = "auto",
        whiten: bool = False,
        seed: int = 0,
    ) -> None:
        self.n_components = n_components
        self.solver = solver
        self.whiten = whiten
        self.seed = seed

    def __repr__(self) -> str:
        return (
            f"PCA(n_components={self.n_components}, solver={self.solver!r}, "
            f"whiten={self.whiten}, seed={self.seed})"
        )

    @torch.no_grad()
    def fit(self, X: Tensor) -> PCA:
        """Find mean, components and variances.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, at least two, float32 or float64.

        Returns
        -------
        PCA
            This object.
        """
        check_matrix("X", X)
        n, d = X.shape
        if n < 2:
            raise ValueError(f"X: got shape {tuple(X.shape)}, want at least two samples (rows)")
        seed = check_seed(self.seed)
        wanted = self._check_n_components(n, d)
        self.mean_ = X.mean(0)
        solver = self._choose_solver(n, d)
        if solver == "svd":
            s, V, total = _svd(X - self.mean_)
        elif solver == "randomized":
            assert isinstance(wanted, int)
            s, V, total = _randomized(X - self.mean_, wanted, seed)
        elif n >= d:
            s, V, total = _eigh_columns(X, self.mean_)
        else:
            s, V, total = _eigh_rows(X - self.mean_)

        variance = s.square() / (n - 1)
        total = total / (n - 1)
        ratio = variance / total if total > 0 else torch.zeros_like(variance)
        if isinstance(wanted, float):
            # One more than explain at most the fraction; rounding may leave it unreached.
            m = min(int((ratio.cumsum(0) <= wanted).sum()) + 1, len(s))
        else:
            m = wanted
        V = V[:, :m].T
        largest = V.gather(1, V.abs().argmax(1, keepdim=True))
        self.components_ = torch.where(largest < 0, -V, V).to(X.dtype).contiguous()
        self.explained_variance_ = variance[:m].to(X.dtype)
        self.explained_variance_ratio_ = ratio[:m].to(X.dtype)
        self.singular_values_ = s[:m].to(X.dtype)
        discarded = min(n, d) - m
        rest = max(0.0, float(total - variance[:m].sum()))
        self.noise_variance_ = rest / discarded if discarded else 0.0
        self.n_components_, self.n_features_in_, self.n_samples_ = m, d, n
        self.solver_ = solver
        return self

    def transform(self, X: Tensor) -> Tensor:
        """Codes of samples. Gradients flow through.

        Parameters
        ----------
        X : Tensor, (n, d)
            In the dtype of the data of ``fit``.

        Returns
        -------
        Tensor, (n, m)
        """
        check_fitted(self, "components_")
        check_matrix("X", X, self.n_features_in_, self.components_.dtype)
        H = (X - self.mean_) @ self.components_.T
        if self.whiten:
            scale = self._scale()
            H = torch.where(scale > 0, H / scale, 0.0)
        return H

    def fit_transform(self, X: Tensor) -> Tensor:
        """Fit to the samples and return their codes.

        Parameters
        ----------
        X : Tensor, (n, d)
            As for :meth:`fit`.

        Returns
        -------
        Tensor, (n, m)
        """
        return self.fit(X).transform(X)

    def inverse_transform(self, H: Tensor) -> Tensor:
        """Reconstructions from codes.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes, as :meth:`transform` gives them.

        Returns
        -------
        Tensor, (n, d)
        """
        check_fitted(self, "components_")
        check_matrix("H", H, self.n_components_, self.components_.dtype)
        if self.whiten:
            H = H * self._scale()
        return H @ self.components_ + self.mean_

    def _scale(self) -> Tensor:
        """Standard deviations of the codes, exactly 0 where they are rounding noise."""
        s = self.singular_values_
        n, d, eps = self.n_samples_, self.n_features_in_, torch.finfo(s.dtype).eps
        if self.solver_ == "gram":
            # Eigenvalues of a (k, k) matrix err by about sqrt(k) eps of the largest, as rounding
            # errors add up like a random walk (Higham and Mary, SIAM J. Sci. Comput. 41, 2019):
            # up to 0.7 of that was seen, on several processors' arithmetics. Four times as much
            # is noise whatever the processor.
            noise = math.sqrt(4 * math.sqrt(min(n, d)) * eps)
        else:
            noise = max(n, d) * eps
        return torch.where(s > noise * s[0], self.explained_variance_.sqrt(), 0.0)

    def _check_n_components(self, n: int, d: int) -> int | float:
        wanted, most = self.n_components, min(n, d)
        if wanted is None:
            return most
        if isinstance(wanted, float) and 0 < wanted < 1:
            return wanted
        if isinstance(wanted, int) and not isinstance(wanted, bool) and 1 <= wanted <= most:
            return wanted
        raise ValueError(
            f"n_components: got {wanted!r} for X of shape ({n}, {d}), want an integer from 1 to "
            f"{most}, a fraction of the variance between 0 and 1, or None"
        )

    def _choose_solver(self, n: int, d: int) -> str:
        if self.solver not in _SOLVERS:
            raise ValueError(f"solver: got {self.solver!r}, want one of {', '.join(_SOLVERS)}")
        if self.solver == "randomized" and isinstance(self.n_components, float):
            raise ValueError(
                f"n_components: got {self.n_components} with the randomized solver, which needs "
                "the number of components; want an integer, or another solver"
            )
        if self.solver != "auto":
            return self.solver
        if n * d * min(n, d) <= 1e9:
            return "svd"
        few = isinstance(self.n_components, int) and self.n_components < 0.1 * min(n, d)
        return "randomized" if few and min(n, d) > 2000 else "gram"


# The solvers: singular values (k,) by decreasing size, right singular vectors (d, k), ||Xc||_F^2.
Spectrum = tuple[Tensor, Tensor, Tensor]


def _svd(Xc: Tensor) -> Spectrum:
    s, V = _values_and_directions(Xc)
    return s, V, s.square().sum()


def _values_and_directions(A: Tensor) -> tuple[Tensor, Tensor]:
    # On a GPU torch's own choice is Jacobi's method. In float32 its singular values of the digits
    # are off by 5e-6; those by QR by 8e-7, a CPU's by 5e-7 (H100), in twice the time.
    driver = "gesvd" if A.is_cuda else None
    _, s, Vh = torch.linalg.svd(A, full_matrices=False, driver=driver)
    return s, Vh.T


def _eigh_columns(X: Tensor, mean: Tensor) -> Spectrum:
    """Eigenvectors of Xc^T Xc (d, d), centring a few thousand rows at a time."""
    n, d = X.shape
    G = torch.zeros(d, d, dtype=torch.float64, device=X.device)
    buffer = torch.empty(min(n, _ROWS), d, dtype=X.dtype, device=X.device)
    edges = [round(block * d / _BLOCKS) for block in range(_BLOCKS + 1)]
    for rows in slices(n, _ROWS):
        chunk = torch.sub(X[rows], mean, out=buffer[: rows.stop - rows.start])
        for a, b in pairwise(edges):
            G[a:b, a:] += chunk[:, a:b].T @ chunk[:, a:]
    values, V = torch.linalg.eigh(G, UPLO="U")  # reads the upper triangle only
    return values.flip(0).clamp(min=0).sqrt(), V.flip(1), G.diagonal().sum()


def _eigh_rows(Xc: Tensor) -> Spectrum:
    """Eigenvectors U of Xc Xc^T (n, n); then V = Xc^T U / s, as the Q of a QR decomposition.

    Q is orthonormal also where s is zero, which the last one always is: centring costs a rank.
    """
    values, U = torch.linalg.eigh(Xc @ Xc.T)
    V = torch.linalg.qr(Xc.T @ U.flip(1)).Q
    return values.flip(0).clamp(min=0).sqrt(), V, Xc.square().sum()


def _randomized(Xc: Tensor, m: int, seed: int) -> Spectrum:
    """Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1, for the row space."""
    width = min(m + _OVERSAMPLE, *Xc.shape)
    generator = torch.Generator().manual_seed(seed)  # on the CPU: the same draw on every device
    Q = torch.randn(Xc.shape[1], width, generator=generator, dtype=Xc.dtype, device="cpu")
    Q = Q.to(Xc.device)
    for _ in range(_POWER_ITERATIONS + 1):
        Q = torch.linalg.qr(Xc.T @ (Xc @ Q)).Q  # QR keeps the small directions from drowning
    s, V = _values_and_directions(Xc @ Q)
    return s, Q @ V, Xc.square().sum()
