"""Experiments that are scored by reconstruction: small autoencoders, and codes of 30 numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from book.experiments.stages import train_in_stages
from book.experiments.task import Experiment, Job, Outcome, Published
from replearn.autoencoders import (
    Autoencoder,
    Gaussian,
    Penalty,
    convolutional_autoencoder,
    cross_entropy,
    dense_autoencoder,
    l1,
    objective,
    squared_error,
)
from replearn.logistic import LogisticPCA
from replearn.metrics import reconstruction_error, sparsity
from replearn.pca import PCA

_KERAS = "autoencoders after the Keras blog"
_CODES = "codes of 30 numbers"
_ROWS = 2000
_SEARCH = ((0.2, 100), (0.05, 100))  # learning rates and steps of a search for codes

Loss = Callable[[Autoencoder, Tensor], Tensor]


def _fit(
    model: Autoencoder,
    loss: Loss,
    job: Job,
    outcome: Outcome,
    stages: Sequence[tuple[float, int]],
    *,
    batch_size: int = 256,
) -> None:
    """Train in stages of falling learning rate; each ends with its best validation loss."""
    data = job.data
    train_in_stages(
        model,
        data.X,
        job,
        outcome,
        stages,
        loss=loss,
        batch_size=batch_size,
        X_val=data.X_val,
        patience=10,
    )


@torch.no_grad()
def _mean(model: Autoencoder, loss: Loss, X: Tensor) -> float:
    """The loss of all of X, in evaluation mode."""
    model.eval()
    return sum(float(loss(model, x)) * len(x) for x in torch.split(X, _ROWS)) / len(X)


@torch.no_grad()
def _reconstruct(model: Autoencoder, X: Tensor) -> Tensor:
    model.eval()
    return torch.cat([model(x) for x in torch.split(X, _ROWS)])


def _dense(job: Job, sizes: Sequence[int], weight: float) -> Outcome:
    """Cross-entropy per pixel on the test set; a penalty on the code is trained on, not counted."""
    d = job.data.X.shape[1]
    model = dense_autoencoder([d, *sizes], seed=job.seed).to(job.data.X.device)
    penalties: dict[Penalty, float] = {l1: weight * d} if weight else {}
    loss = objective(cross_entropy, penalties=penalties)
    outcome = Outcome(float("nan"))
    _fit(model, loss, job, outcome, [(1e-3, 60), (3e-4, 20)])
    data = job.data
    counted = ", penalty included" if weight else ""
    outcome.value = _mean(model, objective(cross_entropy), data.X_test) / d
    outcome.details = {
        f"validation{counted}": _mean(model, loss, data.X_val) / d,
        f"training{counted}": _mean(model, loss, data.X) / d,
        "squared error": reconstruction_error(data.X_test, _reconstruct(model, data.X_test)),
    }
    if weight:
        outcome.details["test, penalty included"] = _mean(model, loss, data.X_test) / d
        outcome.details["zeros in the code"] = sparsity(model.encode(data.X_test).detach())
    return outcome


def _convolutional(job: Job, channels: Sequence[int], noise: float | None) -> Outcome:
    """Cross-entropy per pixel on the test set; from noisy images if there is noise."""
    model = convolutional_autoencoder(job.data.image_shape, channels, seed=job.seed)
    model = model.to(job.data.X.device)

    def corruption(X: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return Gaussian(noise or 0.0)(X, generator).clamp(0, 1)

    loss = objective(cross_entropy, corruption=corruption if noise else None)
    outcome = Outcome(float("nan"))
    data, d = job.data, job.data.X.shape[1]
    # Small batches: a convolution takes as long for each sample, so more steps cost nothing.
    if noise is None:
        _fit(model, loss, job, outcome, [(3e-3, 12), (1e-3, 5), (2e-4, 3)], batch_size=32)
    else:
        _fit(model, loss, job, outcome, [(2e-3, 8), (5e-4, 4)], batch_size=128)
    if noise is None:
        outcome.value = _mean(model, loss, data.X_test) / d
        outcome.details["validation"] = _mean(model, loss, data.X_val) / d
        return outcome
    generator = torch.Generator(data.X.device).manual_seed(job.seed)
    noisy = corruption(data.X_test, generator)
    cleaned = _reconstruct(model, noisy)
    entropy = torch.nn.functional.binary_cross_entropy(cleaned, data.X_test, reduction="mean")
    outcome.value = float(entropy)
    outcome.details = {
        "squared error": reconstruction_error(data.X_test, cleaned),
        "squared error of the noisy images": reconstruction_error(data.X_test, noisy),
        "squared error of the best linear map": reconstruction_error(
            data.X_test, _linear_denoiser(data.X, corruption, generator)(noisy)
        ),
    }
    return outcome


def _linear_denoiser(
    X: Tensor,
    corruption: Callable[[Tensor, torch.Generator], Tensor],
    generator: torch.Generator,
) -> Callable[[Tensor], Tensor]:
    """Least squares from noisy to clean training images, with an intercept."""
    noisy = corruption(X, generator)
    mean_in, mean_out = noisy.mean(0), X.mean(0)
    A = (noisy - mean_in).double()
    coefficients = torch.linalg.solve(A.T @ A, A.T @ (X - mean_out).double()).to(X.dtype)
    return lambda Y: mean_out + (Y - mean_in) @ coefficients


def _pca(job: Job) -> Outcome:
    data = job.scored
    pca = PCA(30).fit(data.X)
    restored = pca.inverse_transform(pca.transform(data.X_test))
    return Outcome(reconstruction_error(data.X_test, restored))


def _logistic_pca(job: Job) -> Outcome:
    data = job.scored
    model = LogisticPCA(30, max_iter=2 if job.quick else 300).fit(data.X)
    restored = model.inverse_transform(model.transform(data.X_test))
    outcome = Outcome(reconstruction_error(data.X_test, restored))
    outcome.curves["majorisation"] = {"loss": model.objective_, "val_loss": []}
    return outcome


def _logistic_autoencoder(job: Job) -> Outcome:
    """784-30-784, linear code, sigmoid output: logistic PCA with codes that a matrix computes."""
    model = dense_autoencoder([job.data.X.shape[1], 30], activation="linear", seed=job.seed)
    return _scheduled(model, objective(cross_entropy), job, [(1e-3, 100), (3e-4, 50), (1e-4, 20)])


_DEEP_STAGES = ((1e-3, 40), (3e-4, 6), (1e-4, 3))


def _deep_network(job: Job) -> Autoencoder:
    widths = (64, 32, 30) if job.quick else (1000, 500, 250, 30)
    return dense_autoencoder(
        [job.data.X.shape[1], *widths], activation="elu", code="linear", seed=job.seed
    )


def _deep(job: Job) -> Outcome:
    """784-1000-500-250-30: squared error from the start, Adam in stages of falling rate."""
    return _scheduled(_deep_network(job), objective(squared_error), job, _DEEP_STAGES)


def _deep_searched(job: Job) -> Outcome:
    """The same network; then the code of every scored image is searched for, the decoder held."""
    model = _deep_network(job)
    outcome = _scheduled(model, objective(squared_error), job, _DEEP_STAGES)
    outcome.details["codes from the encoder"] = outcome.value
    batches = torch.split(job.scored.X_test, _ROWS)
    restored = [model.decode(_search(model, X)).detach() for X in batches]
    outcome.value = reconstruction_error(job.scored.X_test, torch.cat(restored))
    return outcome


def _search(model: Autoencoder, X: Tensor) -> Tensor:
    """For each image the code of least squared error that Adam meets on its way from the encoder's.

    Nothing but the image itself decides, so this is part of what a method does with a new image.
    """
    H = model.encode(X).detach().requires_grad_()
    best, least = H.detach().clone(), torch.full((len(X),), torch.inf, device=X.device)
    for lr, steps in _SEARCH:
        optimizer = torch.optim.Adam([H], lr=lr)
        for _ in range(steps):
            errors = (model.decode(H) - X).square().sum(1)
            better = errors.detach() < least
            best[better], least[better] = H.detach()[better], errors.detach()[better]
            (H.grad,) = torch.autograd.grad(errors.sum(), H)
            optimizer.step()
    return best


def _scheduled(
    model: Autoencoder, loss: Loss, job: Job, stages: Sequence[tuple[float, int]]
) -> Outcome:
    """Train for a fixed number of epochs at each rate; score the squared error of an image."""
    data = job.scored
    model = model.to(data.X.device)
    outcome = Outcome(float("nan"))
    X_val = data.X_test if job.validate else None
    train_in_stages(model, data.X, job, outcome, stages, loss=loss, batch_size=256, X_val=X_val)
    squares = objective(squared_error)
    outcome.value = _mean(model, squares, data.X_test)
    outcome.details = {"training": _mean(model, squares, data.X)}
    return outcome


_PER_PIXEL = "test cross-entropy per pixel, nats"
_SQUARED = "test squared error per image"
_POST = "copies of the post"
_CAPTION = "a text that reprints the caption"
_LOGISTIC = Published(
    "8.01",
    "hinton2006reducing",
    "Fig. 2",
    unlike="how it found the codes of test images is not known",
    checked=_CAPTION,
)

EXPERIMENTS = (
    Experiment(
        name="keras-dense",
        title="One layer of 32 units",
        network="784-32-784, ReLU, sigmoid output",
        metric=_PER_PIXEL,
        unit="",
        digits=4,
        published=(
            Published("0.11", "chollet2016building", "first edition", checked=_POST),
            Published("0.09", "chollet2016building", "later edition", checked=_POST),
        ),
        run=partial(_dense, sizes=[32], weight=0.0),
        family=_KERAS,
    ),
    Experiment(
        name="keras-sparse",
        title="The same with an L1 penalty on the code",
        network="784-32-784, L1 weight 1e-4 a pixel",
        metric=_PER_PIXEL + ", penalty not counted",
        unit="",
        digits=4,
        published=(Published("0.10", "chollet2016building", checked=_POST),),
        run=partial(_dense, sizes=[32], weight=1e-4),
        family=_KERAS,
        note=(
            "The penalty is trained on and not counted. The blog prints 0.11 for the training set "
            "and 0.10 for the test set, and explains the difference by the penalty, which Keras "
            "adds to the loss in training: its test loss is without it."
        ),
    ),
    Experiment(
        name="keras-deep",
        title="Three layers",
        network="784-128-64-32 and back, ReLU",
        metric=_PER_PIXEL,
        unit="",
        digits=4,
        published=(
            Published("0.097", "chollet2016building", "first edition", checked=_POST),
            Published("0.08", "chollet2016building", "later edition, about", checked=_POST),
        ),
        run=partial(_dense, sizes=[128, 64, 32], weight=0.0),
        family=_KERAS,
    ),
    Experiment(
        name="keras-convolutional",
        title="Convolutional",
        network="3 x 3 convolutions of 16, 8, 8 channels, code of 128",
        metric=_PER_PIXEL,
        unit="",
        digits=4,
        published=(Published("0.094", "chollet2016building", checked=_POST),),
        run=partial(_convolutional, channels=(16, 8, 8), noise=None),
        family=_KERAS,
    ),
    Experiment(
        name="keras-denoising",
        title="Convolutional denoising, noise 0.5",
        network="3 x 3 convolutions of 32, 32 channels",
        metric=_PER_PIXEL + ", from noisy images",
        unit="",
        digits=4,
        published=(),
        run=partial(_convolutional, channels=(32, 32), noise=0.5),
        family=_KERAS,
        note=(
            "The blog shows pictures and no figure. The details compare with the best linear map, "
            "fitted to the same noise."
        ),
    ),
    Experiment(
        name="codes-pca",
        title="PCA",
        network="30 components",
        metric=_SQUARED,
        unit="",
        digits=2,
        published=(Published("13.87", "hinton2006reducing", "Fig. 2", checked=_CAPTION),),
        run=_pca,
        family=_CODES,
        seeds=1,
        scheduled=True,
    ),
    Experiment(
        name="codes-logistic-pca",
        title="Logistic PCA, codes searched",
        network="30 components",
        metric=_SQUARED,
        unit="",
        digits=2,
        published=(_LOGISTIC,),
        run=_logistic_pca,
        family=_CODES,
        seeds=1,
        scheduled=True,
        note=(
            "Every code minimises the cross-entropy of its own image, which takes a search; no "
            "encoder computes it."
        ),
    ),
    Experiment(
        name="codes-logistic-autoencoder",
        title="Logistic PCA with a linear encoder",
        network="784-30-784, linear code, sigmoid output, cross-entropy",
        metric=_SQUARED,
        unit="",
        digits=2,
        published=(_LOGISTIC,),
        run=_logistic_autoencoder,
        family=_CODES,
        note="The same decoder, and codes that one product of matrices computes.",
        scheduled=True,
    ),
    Experiment(
        name="codes-deep",
        title="Deep autoencoder",
        network="784-1000-500-250-30 and back, ELU, linear code",
        metric=_SQUARED,
        unit="",
        digits=2,
        published=(
            Published(
                "3.00",
                "hinton2006reducing",
                "Fig. 2",
                unlike="its units are logistic, pretrained as Boltzmann machines, then trained on "
                "the cross-entropy",
                checked=_CAPTION,
            ),
        ),
        run=_deep,
        family=_CODES,
        note="No pretraining: a random start, Adam on the squared error, and 49 epochs.",
        scheduled=True,
    ),
    Experiment(
        name="codes-deep-searched",
        title="Deep autoencoder, codes searched",
        network="784-1000-500-250-30 and back, ELU, linear code",
        metric=_SQUARED,
        unit="",
        digits=2,
        published=(),
        run=_deep_searched,
        family=_CODES,
        note=(
            "The same network and training; then Adam looks for each image's code, from the "
            f"encoder's, in {sum(steps for _, steps in _SEARCH)} steps with the decoder held, as "
            "the codes of logistic PCA are searched for."
        ),
        scheduled=True,
        seconds=600,
    ),
)
