"""What is measured of a method for the book's cumulative comparison table."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from replearn._validate import check_matrix
from replearn.data import Dataset
from replearn.metrics import linear_probe, reconstruction_error, sparsity


@dataclass(frozen=True)
class Score:
    """Accuracy of a linear probe over draws of the labelled samples.

    Attributes
    ----------
    mean : float
        Mean accuracy, a fraction.
    std : float
        Standard deviation of the accuracy; 0 for a single draw.

    Examples
    --------
    >>> Score(mean=0.75, std=0.02)
    Score(mean=0.75, std=0.02)
    """

    mean: float
    std: float


@dataclass(frozen=True)
class Row:
    """One method, measured.

    Attributes
    ----------
    method : str
        Name of the method as the table shows it.
    chapter : str
        Page of the chapter, such as ``"lectures/03_pca"``.
    data : str
        Name of the data set.
    code_size : int
        Length of a code.
    error : float or None
        Mean over the test samples of the squared distance between a sample and its
        reconstruction, a sum over coordinates; None for a method that does not reconstruct.
    sparsity : float
        Fraction of test code entries that are exactly zero.
    probe_100 : Score
        Linear probe fitted to 100 labelled training codes, scored on the test codes.
    probe_1000 : Score
        The same for 1,000 labelled training codes.
    probe_all : Score or None
        The same for all labelled training codes; None where that was not measured.

    Examples
    --------
    >>> score = Score(mean=0.75, std=0.02)
    >>> row = Row("PCA", "lectures/03_pca", "digits 8x8", 10, 1.5, 0.0, score, score, None)
    >>> row.probe_100.mean
    0.75
    """

    method: str
    chapter: str
    data: str
    code_size: int
    error: float | None
    sparsity: float
    probe_100: Score
    probe_1000: Score
    probe_all: Score | None


def measure(
    method: str,
    data: Dataset,
    H_train: torch.Tensor,
    H_test: torch.Tensor,
    X_hat_test: torch.Tensor | None = None,
    *,
    chapter: str,
    probe_all: bool = True,
    seed: int = 0,
) -> Row:
    """Measure one method by the book's metrics.

    Parameters
    ----------
    method : str
        Name of the method as the table shows it.
    data : Dataset
        Data with n training and n' test samples of dimension d.
    H_train : Tensor, (n, m)
        Codes of ``data.X``.
    H_test : Tensor, (n', m)
        Codes of ``data.X_test``.
    X_hat_test : Tensor, (n', d), optional
        Reconstructions of ``data.X_test``; None if the method makes none.
    chapter : str
        Page of the chapter, such as ``"lectures/03_pca"``.
    probe_all : bool
        Whether to fit the probe to all labelled samples too, which takes minutes for codes as
        wide as raw pixels.
    seed : int
        Seed of the draws of labelled samples.

    Returns
    -------
    Row

    Raises
    ------
    ValueError
        The shapes of codes or reconstructions do not belong to the data.

    Examples
    --------
    >>> from replearn.data import load_digits
    >>> from replearn.pca import PCA
    >>> data = load_digits()
    >>> pca = PCA(10).fit(data.X)
    >>> H, H_test = pca.transform(data.X), pca.transform(data.X_test)
    >>> row = measure("PCA", data, H, H_test, pca.inverse_transform(H_test), chapter="lectures/03")
    >>> row.code_size, row.sparsity
    (10, 0.0)
    """
    n, n_test = len(data.X), len(data.X_test)
    check_matrix("H_train", H_train)
    if len(H_train) != n:
        raise ValueError(f"H_train: got {len(H_train)} rows, want {n}, one a training sample")
    m = H_train.shape[1]
    check_matrix("H_test", H_test, m)
    if len(H_test) != n_test:
        raise ValueError(f"H_test: got {len(H_test)} rows, want {n_test}, one a test sample")
    if X_hat_test is not None:
        check_matrix("X_hat_test", X_hat_test, data.d)
        if len(X_hat_test) != n_test:
            raise ValueError(
                f"X_hat_test: got {len(X_hat_test)} rows, want {n_test}, one a test sample"
            )

    def probe(labels: int | None) -> Score:
        result = linear_probe(H_train, data.y, H_test, data.y_test, labels=labels, seed=seed)
        return Score(float(result.mean), float(result.std))

    return Row(
        method=method,
        chapter=chapter,
        data=data.name,
        code_size=m,
        error=None if X_hat_test is None else float(reconstruction_error(data.X_test, X_hat_test)),
        sparsity=float(sparsity(H_test)),
        probe_100=probe(100),
        probe_1000=probe(1000),
        probe_all=probe(None) if probe_all else None,
    )
