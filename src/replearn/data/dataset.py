"""The form in which every labelled data set comes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from replearn._validate import check_integer


@dataclass(frozen=True)
class Dataset:
    """Labelled images, split into a training and a test set; rows are samples.

    Attributes
    ----------
    name : str
        What the data are; a page that shows results prints it.
    X : Tensor, (n, d)
        Training images, one a row, float32, grey values from 0 (ground) to 1 (ink).
    y : Tensor, (n,)
        Their classes, int64.
    X_test : Tensor, (n_test, d)
        Test images, alike.
    y_test : Tensor, (n_test,)
        Their classes, int64.
    image_shape : (int, int)
        Height and width; their product is d.

    Examples
    --------
    >>> import torch
    >>> X, y = torch.zeros(4, 6), torch.tensor([0, 1, 0, 1])
    >>> data = Dataset("blank", X, y, X[:2], y[:2], image_shape=(2, 3))
    >>> data.n, data.d, data.subset(3).y
    (4, 6, tensor([0, 1, 0]))
    """

    name: str
    X: Tensor
    y: Tensor
    X_test: Tensor
    y_test: Tensor
    image_shape: tuple[int, int]

    @property
    def n(self) -> int:
        """Number of training samples."""
        return self.X.shape[0]

    @property
    def d(self) -> int:
        """Number of coordinates (pixels) of a sample."""
        return self.X.shape[1]

    def subset(self, n_train: int, n_test: int | None = None) -> Dataset:
        """Return the first ``n_train`` training and ``n_test`` test samples (None: all of those).

        Every data set of this module is stored in a mixed order, so its first rows are a fair
        sample, and the same one each time.

        Parameters
        ----------
        n_train : int
            Number of training samples.
        n_test : int, optional
            Number of test samples.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            More samples are asked for than there are, or less than one.
        """
        n_test = len(self.X_test) if n_test is None else n_test
        for argument, wanted, there in (
            ("n_train", n_train, self.n),
            ("n_test", n_test, len(self.X_test)),
        ):
            check_integer(argument, wanted)
            if not 1 <= wanted <= there:
                raise ValueError(
                    f"{argument}: got {wanted}, want 1 to {there}, as many as {self.name} has"
                )
        return replace(
            self,
            X=self.X[:n_train],
            y=self.y[:n_train],
            X_test=self.X_test[:n_test],
            y_test=self.y_test[:n_test],
        )
