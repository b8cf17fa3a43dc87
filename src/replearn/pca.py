r"""Principal component analysis.

Data ``X`` (n, d) with mean ``mu``, centred ``Xc = X - mu``. PCA with ``m`` components minimises the
reconstruction error over all affine subspaces of dimension ``m``::

    min  (1/n) sum_i || x_i - mu - V V^T (x_i - mu) ||^2     over V (d, m), V^T V = I

The minimum is the sum of the discarded eigenvalues of ``(1/n) Xc^T Xc``, reached by its first
``m`` eigenvectors, the right singular vectors of ``Xc`` (Eckart and Young 1936). The linear
autoencoders of :mod:`replearn.linear_autoencoder` find the same subspace.

Everything here follows the dtype and device of the tensors it is given; NumPy arrays and DataFrames
are taken as scikit-learn takes them, and give arrays (see ``replearn._estimator``).

References
----------
C. Eckart and G. Young, Psychometrika 1 (1936). N. Halko, P.-G. Martinsson and J. A. Tropp,
SIAM Review 53 (2011). D. A. Ross, J. Lim, R.-S. Lin and M.-H. Yang, International Journal of
Computer Vision 77 (2008), for ``partial_fit``. M. E. Tipping and C. M. Bishop, Journal of the Royal
Statistical Society B 61 (1999), for ``score``.
"""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any, Literal, NamedTuple

import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from torch import Tensor

from replearn._batches import by_rows
from replearn._estimator import Data, Estimator, draw_seed
from replearn._gram import MEAN_ERROR, gram, scatter
from replearn._scale import exponent, float_times_power, times_power
from replearn._validate import check_flag, check_range

__all__ = ["PCA"]

Solver = Literal["auto", "full", "covariance_eigh", "randomized"]
_SOLVERS = ("auto", "full", "covariance_eigh", "randomized")

_ROWS = 4096  # rows worked on at a time: bounds the memory
_OVERSAMPLE = 10
_POWER_ITERATIONS = 5
_SMALL = 100  # a decomposition of a smaller matrix takes a millisecond, all of it


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    r"""Principal component analysis, with scikit-learn's names and conventions.

    ``transform`` gives ``H = (X - mean_) components_^T``, ``inverse_transform`` gives
    ``mean_ + H components_``.

    Parameters
    ----------
    n_components : int, float or None
        Number of components, 1 to min(n, d); a float in (0, 1) takes as few as explain more than
        that fraction of the variance; None takes min(n, d).
    svd_solver : {"auto", "full", "covariance_eigh", "randomized"}
        How the singular vectors are computed; the names are scikit-learn's.

        - "full": the SVD of the centred data. The most accurate; O(n d min(n, d)) and a copy of X.
        - "covariance_eigh": eigenvectors of the smaller of the two Gram matrices, Xc^T Xc (d, d)
          or Xc Xc^T (n, n). The fastest when one of n and d is up to a few thousand. It squares
          the condition number: singular values below (16 k)^(1/4) sqrt(eps) of the largest, for a
          Gram matrix (k, k), are rounding noise, and so are their components (for k = 100 that
          is 2e-3 in float32, 1e-7 in float64). Products are formed in the data's dtype from
          centred rows; those of Xc^T Xc are summed in float64.
        - "randomized": range finder with 5 power iterations (Halko, Martinsson and Tropp 2011).
          For few components of data that is large both ways; approximate, best where the
          spectrum falls fast.
        - "auto": "full" while that takes well under a second (n d min(n, d) up to 1e9),
          "randomized" for n_components under a tenth of min(n, d) > 2,000, otherwise
          "covariance_eigh".
    whiten : bool
        Divide the codes by their standard deviation (n - 1 in its denominator, as in
        scikit-learn). Directions in which the data has no variance but for rounding get the
        code 0: those whose singular value is at most max(n, d) eps of the largest, or
        16 sqrt(n) eps of the largest mean, or noise of the "covariance_eigh" solver, as above.
    random_state : int, RandomState or None
        Seed of the randomized solver. An integer, or None and a NumPy ``RandomState``, from which
        scikit-learn draws. torch's global random state is not used.

    Attributes
    ----------
    components_ : Tensor or array, (m, d)
        Orthonormal rows, by decreasing variance. The entry of largest absolute value in each row
        is positive, which fixes the sign. This and the others are tensors after a tensor was
        fitted, otherwise arrays.
    mean_ : Tensor or array, (d,)
        Mean of the samples.
    explained_variance_ : Tensor or array, (m,)
        Variances of the codes before whitening, with n - 1 in the denominator. The eigenvalues of
        the covariance (1/n) Xc^T Xc are (n - 1)/n times these.
    explained_variance_ratio_ : Tensor or array, (m,)
        The same as a fraction of the total variance.
    singular_values_ : Tensor or array, (m,)
        Singular values of Xc.
    noise_variance_ : float
        Mean variance of the min(n, d) - m discarded components, 0 if there is none.
    n_components_ : int
        Number m of components.
    n_features_in_ : int
        Dimension d of the samples.
    feature_names_in_ : array, (d,)
        Names of the columns, after a DataFrame was fitted.
    n_samples_ : int
        Number n of the samples.
    svd_solver_ : str
        The solver used.

    Raises
    ------
    ValueError
        X is not a finite float (n, d) matrix, n_components does not fit it, its variances leave
        the range of its dtype, or a method is called before ``fit`` (scikit-learn's
        NotFittedError).

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

    The same from an array, after scikit-learn's StandardScaler:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> make_pipeline(StandardScaler(), PCA(1)).fit_transform(X.numpy()).shape
    (4, 1)
    """

    components_: Any
    mean_: Any
    explained_variance_: Any
    explained_variance_ratio_: Any
    singular_values_: Any
    noise_variance_: float
    n_components_: int
    n_samples_: int
    svd_solver_: str

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        svd_solver: Solver = "auto",
        whiten: bool = False,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.svd_solver = svd_solver
        self.whiten = whiten
        self.random_state = random_state

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    @torch.no_grad()
    def fit(self, X: Data, y: object = None) -> PCA:
        """Find mean, components and variances.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples, at least two, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        PCA
            This object.

        Raises
        ------
        ValueError
            X or a parameter does not fit, or a variance leaves the range of the dtype.
        """
        data = self._training_data(X, at_least=2)
        n, d = data.shape
        wanted = self._check_n_components(n, d)
        solver = self._choose_solver(n, d)
        width = wanted if isinstance(wanted, int) else min(n, d)  # a fraction needs them all
        found = decompose(data, width, solver, draw_seed(self.random_state))
        if isinstance(wanted, float):
            # One more than explain at most the fraction; rounding may leave it unreached.
            ratio = found.ratio()
            wanted = min(int((ratio.cumsum(0) <= wanted).sum()) + 1, len(ratio))
        self._publish(X, found, wanted, data.dtype)
        self.svd_solver_ = solver
        return self

    @torch.no_grad()
    def partial_fit(self, X: Data, y: object = None) -> PCA:
        """Update mean, components and variances with more samples (incremental PCA).

        Continues earlier calls, or ``fit``; otherwise starts. With n samples so far, of mean mu and
        the m singular values S and components V that are kept, and n' new ones of mean mu', the
        new ones are those of the singular value decomposition of::

            [ S V;  X - mu';  sqrt(n n' / (n + n')) (mu - mu') ]

        (Ross et al. 2008). That is exact as long as m components hold all of the variance so far;
        what is left out at one call is lost to the components of the next. ``mean_`` and the
        total variance are exact.

        Parameters
        ----------
        X : Tensor or array-like, (n', d)
            Samples, in the first call at least two and as many as components.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        PCA
            This object.

        Raises
        ------
        ValueError
            As :meth:`fit`; or n_components is a fraction, or not what it was.
        """
        if not hasattr(self, "components_"):
            data = self._training_data(X, at_least=2)
            n, d = data.shape
            wanted = self._check_n_components(n, d)
            if isinstance(wanted, float):
                raise ValueError(
                    f"n_components: got {wanted}, want an integer or None for partial_fit, which "
                    "keeps as many components at every call"
                )
            self._publish(X, decompose(data, wanted, "full", 0), wanted, data.dtype)
            self.svd_solver_ = "full"
            return self
        m = self.n_components_
        if self.n_components is not None and self.n_components != m:
            raise ValueError(
                f"n_components: got {self.n_components!r}, want {m}, as before; fit starts afresh"
            )
        data = self._new_data(X, self._kept("components_"))
        found = _merge(self._so_far(), decompose(data, min(data.shape), "full", 0))
        self._publish(self.components_, found, m, data.dtype)
        self.svd_solver_ = "full"
        return self

    def transform(self, X: Data) -> Any:
        """Codes of samples. Gradients flow through.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            A tensor must have the dtype and device of the data of ``fit``.

        Returns
        -------
        Tensor or array, (n, m)

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        components = self._kept("components_")
        data = self._new_data(X, components)
        H = (data - self._kept("mean_")) @ components.T
        if self.whiten:
            scale = self._scale()
            H = torch.where(scale > 0, H / scale, 0.0)
        return self._in_kind(H, X)

    def inverse_transform(self, H: Data) -> Any:
        """Reconstructions from codes.

        Parameters
        ----------
        H : Tensor or array-like, (n, m)
            Codes, as :meth:`transform` gives them.

        Returns
        -------
        Tensor or array, (n, d)

        Raises
        ------
        ValueError
            H does not fit, or nothing was fitted yet.
        """
        components = self._kept("components_")
        codes = self._codes(H, self.n_components_, components)
        if self.whiten:
            codes = codes * self._scale()
        return self._in_kind(codes @ components + self._kept("mean_"), H)

    @torch.no_grad()
    def score_samples(self, X: Data) -> Any:
        r"""Log-likelihood of each sample under probabilistic PCA (Tipping and Bishop 1999).

        That is ``log N(x; mean_, C)``, in nats, with the covariance C of the components' variances
        and ``noise_variance_`` in all other directions.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples.

        Returns
        -------
        Tensor or array, (n,)

        Raises
        ------
        ValueError
            X does not fit, or there is no density, because the data of ``fit`` has no variance in
            some direction, or a log-likelihood leaves the range of the dtype.
        """
        components = self._kept("components_")
        data = self._new_data(X, components)
        d, m = self.n_features_in_, self.n_components_
        V, mean = components.double(), self._kept("mean_").double()
        deviations, noise = self._kept("explained_variance_").double().sqrt(), self.noise_variance_
        # What is smaller is rounding; what was found by subtraction, in squares.
        least = self._rounding(self._squared) / math.sqrt(self.n_samples_ - 1)
        if float(deviations[-1]) <= least or (m < d and math.sqrt(noise) <= least):
            raise ValueError(
                f"n_components: got {m} of {d} dimensions and no variance in some direction, want "
                "fewer components, or more samples: there is no density to score with"
            )
        volume = 2 * float(deviations.log().sum()) + d * math.log(2 * math.pi)
        if m < d:
            volume += (d - m) * math.log(noise)

        def log_likelihood(x: Tensor) -> Tensor:
            x = x.double() - mean
            H = x @ V.T
            squares = (H / deviations).square().sum(1)
            if m < d:
                squares += ((x - H @ V) / math.sqrt(noise)).square().sum(1)
            return -0.5 * (squares + volume)

        found = by_rows(log_likelihood, data, _ROWS).to(components.dtype)
        check_range("X", found, "log-likelihoods")
        return self._in_kind(found, X)

    def score(self, X: Data, y: object = None) -> float:
        """Mean log-likelihood under probabilistic PCA: see :meth:`score_samples`.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        float
            In nats a sample.

        Raises
        ------
        ValueError
            X does not fit, nothing was fitted yet, or there is no density: see
            :meth:`score_samples`.
        """
        return float(self.score_samples(X).mean())

    def _publish(self, X: Data, found: Decomposition, m: int, dtype: torch.dtype) -> None:
        """The attributes, from the first m axes; refuses what leaves the range of the dtype."""
        k, n, d = found.power, found.n, len(found.mean)
        # Multiplied in float64: what leaves its range is infinite there too.
        variance = times_power(found.variance(), 2 * k)
        largest, info = float(variance[0]), torch.finfo(dtype)
        if largest > info.max or (largest < info.tiny and float(found.s[0]) > 0):
            raise ValueError(
                f"X: got values of about 2^{k}, whose variances leave the range of {dtype}, want "
                "other units, or float64"
            )
        V = found.V[:, :m].T
        peak = V.gather(1, V.abs().argmax(1, keepdim=True))
        self._keep(
            X,
            components_=torch.where(peak < 0, -V, V).to(dtype).contiguous(),
            mean_=times_power(found.mean, k).to(dtype),
            explained_variance_=variance[:m].to(dtype),
            explained_variance_ratio_=found.ratio()[:m].to(dtype),
            singular_values_=times_power(found.s[:m], k).to(dtype),
        )
        discarded = min(n, d) - m
        if found.whole:
            rest = float(found.variance()[m:].sum())
        else:  # of what was not computed, or lost in increments
            rest = max(0.0, found.total / (n - 1) - float(found.variance()[:m].sum()))
        self._squared = not found.whole
        self.noise_variance_ = float_times_power(rest, 2 * k) / discarded if discarded else 0.0
        self._total_variance = float_times_power(found.total / (n - 1), 2 * k)
        self.n_components_, self.n_samples_ = m, n

    def _so_far(self) -> Decomposition:
        """What is kept of the samples so far, in units that fit it."""
        s, mean = (self._kept(name).double() for name in ("singular_values_", "mean_"))
        k = max(exponent(s), exponent(mean))
        total = float_times_power(self._total_variance, -2 * k) * (self.n_samples_ - 1)
        V = self._kept("components_").double().T
        return Decomposition(
            times_power(mean, -k), times_power(s, -k), V, total, k, self.n_samples_, False
        )

    def _scale(self) -> Tensor:
        """Standard deviations of the codes, exactly 0 where they are rounding noise."""
        s = self._kept("singular_values_")
        return torch.where(s > self._rounding(), self._kept("explained_variance_").sqrt(), 0.0)

    def _rounding(self, squared: bool = False) -> float:
        """Singular values up to this are rounding noise: of the largest one, or of the mean."""
        eps = float(torch.finfo(self._kept("components_").dtype).eps)
        largest = float(self._kept("singular_values_")[0])
        return max(self._relative_rounding(eps, squared) * largest, self._rounding_of_mean(eps))

    def _rounding_of_mean(self, eps: float) -> float:
        """What equal values leave when the mean, a rounded sum, is subtracted from them."""
        offset = float(self._kept("mean_").abs().max())
        return MEAN_ERROR * eps * offset * math.sqrt(self.n_samples_)

    def _relative_rounding(self, eps: float, squared: bool) -> float:
        n, d = self.n_samples_, self.n_features_in_
        if squared or self.svd_solver_ == "covariance_eigh":
            # Eigenvalues of a (k, k) matrix err by about sqrt(k) eps of the largest, as rounding
            # errors add up like a random walk (Higham and Mary, SIAM J. Sci. Comput. 41, 2019):
            # up to 0.7 of that was seen, on several processors' arithmetics. Four times as much
            # is noise whatever the processor.
            return math.sqrt(4 * math.sqrt(min(n, d)) * eps)
        return max(n, d) * eps

    def _check_n_components(self, n: int, d: int) -> int | float:
        check_flag("whiten", self.whiten)
        wanted, most = self.n_components, min(n, d)
        if wanted is None:
            return most
        if isinstance(wanted, Real) and not isinstance(wanted, bool):
            if 0 < wanted < 1:
                return float(wanted)
            if hasattr(wanted, "__index__") and 1 <= wanted <= most:
                return operator.index(wanted)
        raise ValueError(
            f"n_components: got {wanted!r} for X of shape ({n}, {d}), want an integer from 1 to "
            f"{most}, a fraction of the variance between 0 and 1, or None"
        )

    def _choose_solver(self, n: int, d: int) -> str:
        if self.svd_solver not in _SOLVERS:
            raise ValueError(
                f"svd_solver: got {self.svd_solver!r}, want one of {', '.join(_SOLVERS)}"
            )
        wanted = self._check_n_components(min(n, d), d)
        if self.svd_solver == "randomized" and isinstance(wanted, float):
            raise ValueError(
                f"n_components: got {self.n_components} with the randomized solver, which needs "
                "the number of components; want an integer, or another solver"
            )
        if self.svd_solver != "auto":
            return self.svd_solver
        if n * d * min(n, d) <= 1e9:
            return "full"
        few = self.n_components is not None and 1 <= wanted < 0.1 * min(n, d)
        return "randomized" if few and min(n, d) > 2000 else "covariance_eigh"


class Decomposition(NamedTuple):
    """Of n centred samples, in units of 2^power: the singular value decomposition, in float64."""

    mean: Tensor  # (d,), in the dtype of the samples
    s: Tensor  # (k,), by decreasing size
    V: Tensor  # (d, k), right singular vectors
    total: float  # ||Xc||_F^2
    power: int
    n: int
    whole: bool  # whether s holds all min(n, d) of them

    def variance(self) -> Tensor:
        """Variance along each axis, (k,)."""
        return self.s.square() / (self.n - 1)

    def ratio(self) -> Tensor:
        """The same as a fraction of the whole."""
        variance, total = self.variance(), self.total / (self.n - 1)
        return variance / total if total > 0 else torch.zeros_like(variance)


def decompose(X: Tensor, m: int, solver: str, seed: int) -> Decomposition:
    """The m, or all, leading axes of X (n, d) by a solver, whatever the size of its values.

    Works in the units of the data; only where squares overflow or underflow in them, which is seen
    by their sum, does it start again with a scaled copy.
    """
    found = _attempt(X, m, solver, seed)
    if found is None:
        k = exponent(X)
        found = _attempt(times_power(X, -k), m, solver, seed, k)
        assert found is not None  # with a power it is
    return found


def _attempt(
    X: Tensor, m: int, solver: str, seed: int, power: int | None = None
) -> Decomposition | None:
    """None where the squares leave the range; a scaled copy has a ``power`` and is final."""
    n, d = X.shape
    mean, info = X.mean(0), torch.finfo(X.dtype)
    # Overflow leaves an infinite sum; below eps^-2 of the least number squares lose their digits.
    least, most = n * info.tiny / info.eps**2, info.max * info.eps

    def outside(total: float) -> bool:
        return not (least < total < most) and power is None

    def done(s: Tensor, V: Tensor, total: float) -> Decomposition:
        return Decomposition(mean, s.double(), V, total, power or 0, n, len(s) == min(n, d))

    if solver == "covariance_eigh" and n >= d:
        G = scatter(X, mean)
        total = float(G.diagonal().sum())
        return None if outside(total) else done(*_eigh_columns(G, m), total)
    Xc = X - mean
    total = float(torch.linalg.vector_norm(Xc)) ** 2
    if outside(total):
        return None
    if solver == "full":
        s, V = _values_and_directions(Xc)
        return done(s, V, float(s.double().square().sum()))
    if solver == "randomized":
        return done(*_randomized(Xc, m, seed), total)
    return done(*_eigh_rows(Xc), total)


def _merge(old: Decomposition, new: Decomposition) -> Decomposition:
    """The decomposition of the samples of both (Ross et al. 2008, figure 1)."""
    k, n = max(old.power, new.power), old.n + new.n
    mean, s = (times_power(value, old.power - k) for value in (old.mean, old.s))
    mean_new, s_new = (times_power(value.double(), new.power - k) for value in (new.mean, new.s))
    between = math.sqrt(old.n * new.n / n) * (mean - mean_new)
    stack = torch.cat([s[:, None] * old.V.T, s_new[:, None] * new.V.double().T, between[None]])
    s, V = _values_and_directions(stack)
    total = (
        float_times_power(old.total, 2 * (old.power - k))
        + float_times_power(new.total, 2 * (new.power - k))
        + float(between.square().sum())
    )
    return Decomposition(mean + (new.n / n) * (mean_new - mean), s, V, total, k, n, False)


# The solvers: singular values (k,) by decreasing size, and right singular vectors (d, k).


def _values_and_directions(A: Tensor) -> tuple[Tensor, Tensor]:
    # On a GPU torch's own choice is Jacobi's method. In float32 its singular values of the digits
    # are off by 5e-6; those by QR by 8e-7, a CPU's by 5e-7 (H100), in twice the time.
    driver = "gesvd" if A.is_cuda else None
    _, s, Vh = torch.linalg.svd(A, full_matrices=False, driver=driver)
    return s, Vh.T


def _eigh_columns(G: Tensor, m: int) -> tuple[Tensor, Tensor]:
    """From the eigenvectors of G = Xc^T Xc (d, d): the first m at least."""
    values, V = _few_eigenvectors(G, m) or torch.linalg.eigh(G)
    return values.flip(0).clamp(min=0).sqrt(), V.flip(1)


def _few_eigenvectors(G: Tensor, m: int) -> tuple[Tensor, Tensor] | None:
    """The last m eigenvalues and eigenvectors on a CPU, where that is faster than all of them.

    It takes a third of the time for 30 of 784. Its eigenvectors come from inverse iteration, which
    may fail to converge where LAPACK's method for all of them does not.
    """
    d = len(G)
    if G.device.type != "cpu" or m > d // 4 or d < _SMALL:
        return None
    import scipy.linalg  # here: it takes half a second

    try:
        values, V = scipy.linalg.eigh(G.numpy(), subset_by_index=[d - m, d - 1])
    except scipy.linalg.LinAlgError:
        return None
    return torch.from_numpy(values), torch.from_numpy(V)


def _eigh_rows(Xc: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvectors U of Xc Xc^T (n, n); then V = Xc^T U / s, as the Q of a QR decomposition.

    Q is orthonormal also where s is zero, which the last one always is: centring costs a rank.
    """
    values, U = torch.linalg.eigh(gram(Xc.T))
    V = torch.linalg.qr(Xc.T @ U.flip(1)).Q
    return values.flip(0).clamp(min=0).sqrt(), V


def _randomized(Xc: Tensor, m: int, seed: int) -> tuple[Tensor, Tensor]:
    """Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1, for the row space."""
    width = min(m + _OVERSAMPLE, *Xc.shape)
    generator = torch.Generator("cpu").manual_seed(seed)  # the same draw on every device
    shape, device = (Xc.shape[1], width), torch.device("cpu")
    Q = torch.randn(shape, generator=generator, dtype=Xc.dtype, device=device).to(Xc.device)
    for _ in range(_POWER_ITERATIONS + 1):
        Q = torch.linalg.qr(Xc.T @ (Xc @ Q)).Q  # QR keeps the small directions from drowning
    s, V = _values_and_directions(Xc @ Q)
    return s, Q @ V
