"""One valid call of every public function, class and method of the library, on small CPU tensors.

Tests that ask the same of everything public walk ``CALLS``: a key is the shortest public name, as
in ``replearn.pca.PCA`` or ``replearn.pca.PCA.fit``, with more calls of one name as
``replearn.pca.PCA.fit[randomized]``. ``test_calls.py`` says which public names are missing.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import replearn

N, D, M = 12, 6, 4  # samples, coordinates, codes


@dataclasses.dataclass(frozen=True)
class Call:
    """A valid call: what makes its arguments, each time anew, and for a method what it is of.

    ``call(X=other)`` runs it with ``other`` in place of the valid argument; ``then`` makes of the
    result what is to be looked at, where the result is itself a function. Arguments that can only
    be given by position stand under ``"*"``.
    """

    name: str
    arguments: Callable[[], dict[str, Any]]
    of: Callable[[], Any] | None = None
    then: Callable[[Any], Any] = lambda result: result

    def prepared(self, **changes: Any) -> Callable[[], Any]:
        """The call with its arguments and its object made, for it to be run elsewhere."""
        target = resolve(self.name) if self.of is None else method(self.of(), self.name)
        arguments = {**self.arguments(), **changes}
        positional = arguments.pop("*", ())
        return lambda: self.then(target(*positional, **arguments))

    def __call__(self, **changes: Any) -> Any:
        return self.prepared(**changes)()

    @property
    def tensors(self) -> list[str]:
        """Names of the arguments that are tensors."""
        return [name for name, value in self.arguments().items() if isinstance(value, Tensor)]


def resolve(name: str) -> Any:
    """The object of a dotted name."""
    parts = name.split("[")[0].split(".")
    found: Any = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        # A package's function goes before its module of the same name.
        missing = not hasattr(found, part)
        found = importlib.import_module(".".join(parts[:i])) if missing else getattr(found, part)
    return found


def method(of: Any, name: str) -> Any:
    """The method of ``of`` that a name ends with."""
    return getattr(of, name.split("[")[0].rsplit(".", 1)[1])


def public_names() -> dict[str, Any]:
    """Everything in an ``__all__``, once each, under its shortest name."""
    found: dict[str, Any] = {}
    names: dict[Any, str] = {}
    modules = [m.name for m in pkgutil.walk_packages(replearn.__path__, "replearn.")]
    for module in sorted(modules, key=lambda m: (m.count("."), m)):
        if any(part.startswith("_") for part in module.split(".")):
            continue
        for name in getattr(importlib.import_module(module), "__all__", ()):
            value = getattr(importlib.import_module(module), name)
            # Constants may be equal without being one: only what is defined is known again.
            key = id(value) if callable(value) else f"{name} {value!r}"
            if key not in names and not inspect.ismodule(value):
                names[key] = f"{module}.{name}"
                found[f"{module}.{name}"] = value
    return found


def public_methods(value: type) -> Iterator[str]:
    """Names of the public methods that the library gives a class."""
    for name in dir(value):
        if name.startswith("_") and not (name == "__call__" and value.__call__ is not None):
            continue
        owner = next((c for c in value.__mro__ if name in vars(c)), None)
        if owner is None or not owner.__module__.startswith("replearn"):
            continue
        if isinstance(inspect.getattr_static(value, name), property):
            continue
        # Made by scikit-learn for metadata routing, and what torch's repr asks of a layer.
        if name.endswith("_request") or name == "extra_repr" or not callable(getattr(value, name)):
            continue
        yield name


def parts(result: Any) -> dict[str, Any]:
    """All tensors, arrays and plain values in a result, by where they are found."""
    found: dict[str, Any] = {}

    def look(value: Any, where: str) -> None:
        if isinstance(value, Tensor | np.ndarray | int | float | str | bytes) or value is None:
            found[where] = value
        elif isinstance(value, nn.Module):
            for name, tensor in value.state_dict().items():
                look(tensor, f"{where}.{name}")
        elif isinstance(value, Mapping):
            for key, item in value.items():
                look(item, f"{where}[{key!r}]")
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                look(item, f"{where}[{i}]")
        elif dataclasses.is_dataclass(value) or type(value).__module__.startswith("replearn"):
            for key, item in vars(value).items() if hasattr(value, "__dict__") else ():
                # Clocks differ from run to run.
                if key != "seconds":
                    look(item, f"{where}.{key}")

    look(result, "result")
    return found


# The arguments. Every tensor names its device: the tests change the default one.


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values, the same in each call."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(*shape, generator=generator, device="cpu")


def unit(*shape: int, seed: int = 0) -> Tensor:
    """Values between 0 and 1."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.rand(*shape, generator=generator, device="cpu")


def binary(*shape: int, seed: int = 0) -> Tensor:
    """Zeros and ones."""
    return (unit(*shape, seed=seed) > 0.5).float()


def atoms(d: int = D, m: int = M) -> Tensor:
    """A dictionary (d, m) of unit atoms."""
    return nn.functional.normalize(normal(d, m, seed=7), dim=0)


def labels(n: int = N, classes: int = 2) -> Tensor:
    """Classes in turn."""
    return torch.arange(n, device="cpu") % classes


def numbers(n: int = N) -> Tensor:
    """0 to n - 1."""
    return torch.arange(n, device="cpu")


def generator() -> torch.Generator:
    """A seeded generator of the CPU."""
    return torch.Generator("cpu").manual_seed(3)


def temporary(name: str) -> Path:
    """A path in a new folder."""
    return Path(tempfile.mkdtemp(prefix="calls-")) / name


def autoencoder(**changes: Any) -> Any:
    """A small sigmoid one."""
    from replearn.autoencoders import dense_autoencoder

    return dense_autoencoder([D, M], **{"activation": "sigmoid", "output": "sigmoid", **changes})


def saved() -> Path:
    """The file of a model."""
    from replearn.autoencoders import save_model

    path = temporary("model.safetensors")
    save_model(autoencoder(), path)
    return path


def dataset() -> Any:
    """Labelled digits of a scanner with few pixels."""
    from replearn.data import Dataset

    return Dataset("toy", unit(1200, D), labels(1200), unit(40, D, seed=1), labels(40), (2, 3))


def row() -> Any:
    """A row of the comparison table."""
    from replearn.comparison import Row, Score

    score = Score(0.5, 0.1)
    return Row("PCA", "lectures/03_pca", "toy", 4, 1.0, 0.0, score, score, None)


def vocabulary() -> Any:
    """A few words."""
    from replearn.data import WordVectors

    X = nn.functional.normalize(normal(5, D), dim=1)
    return WordVectors("toy", ["a", "b", "c", "d", "e"], X)


def made(name: str, *args: Any, fitted: Callable[[], Tensor] | None = None, **settings: Any) -> Any:
    """What makes an object of a class, fitted where data are given."""

    def make() -> Any:
        made_object = resolve(name)(*args, **settings)
        return made_object if fitted is None else made_object.fit(fitted())

    return make


def grey(h: int = 12, w: int = 10) -> Tensor:
    """An image."""
    return unit(h, w, seed=5)


def coupled() -> Any:
    """A pair of dictionaries for twice the size."""
    from replearn.images import CoupledDictionary, train_coupled

    result = train_coupled([grey(24, 24)], factor=2, size=4, n_atoms=8, n_patches=60, epochs=1)
    assert isinstance(result, CoupledDictionary)
    return result


def gabors() -> Any:
    """Fitted Gabor functions."""
    from replearn.dictionary import fit_gabor

    return fit_gabor(normal(2, 36), 6)


def mixture() -> Any:
    """Two Gaussians in the plane."""
    from replearn.mixtures import GaussianMixture

    return GaussianMixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]], device="cpu"), 0.2)


def trained(**settings: Any) -> dict[str, Any]:
    """Arguments of ``train``."""
    from replearn.autoencoders import objective

    return {
        "model": autoencoder(),
        "X": unit(N, D),
        "loss": objective(),
        "epochs": 2,
        "batch_size": 5,
        "progress": False,
        **settings,
    }


def solver(**settings: Any) -> Callable[[], dict[str, Any]]:
    """Arguments of a solver of the lasso."""
    return lambda: {"X": normal(N, D), "D": atoms(), "penalty": 0.1, **settings}


CALLS: dict[str, Call] = {}


def call(
    name: str,
    arguments: Callable[[], dict[str, Any]] = dict,
    *,
    of: Callable[[], Any] | None = None,
    then: Callable[[Any], Any] = lambda result: result,
) -> None:
    """Enter a call."""
    assert f"replearn.{name}" not in CALLS, name
    CALLS[f"replearn.{name}"] = Call(f"replearn.{name}", arguments, of, then)


def same(method_name: str) -> Callable[[Any], Any]:
    """Of an object: a method's value at the samples."""
    return lambda module: getattr(module, method_name)(unit(N, D))


# autoencoders
for _name, _argument in (("Gaussian", "std"), ("Masking", "rate"), ("SaltAndPepper", "rate")):
    call(f"autoencoders.{_name}", lambda key=_argument: {key: 0.3})
    call(
        f"autoencoders.{_name}.__call__",
        lambda: {"X": unit(N, D), "generator": generator()},
        of=made(f"replearn.autoencoders.{_name}", 0.3),
    )
    call(
        f"autoencoders.{_name}.__call__[global generator]",
        lambda: {"X": unit(N, D)},
        of=made(f"replearn.autoencoders.{_name}", 0.3),
        then=lambda result: result.shape[0],
    )
call(
    "autoencoders.Autoencoder",
    lambda: {"encoder": nn.Linear(D, M), "decoder": nn.Linear(M, D)},
    then=lambda model: model(unit(N, D)).shape[0],
)
for _name, _make in (
    ("Autoencoder", autoencoder),
    ("PredictiveSparse", made("replearn.autoencoders.PredictiveSparse", D, M, 0.1)),
):
    call(f"autoencoders.{_name}.encode", lambda: {"X": unit(N, D)}, of=_make)
    call(f"autoencoders.{_name}.decode", lambda: {"H": unit(N, M)}, of=_make)
    call(f"autoencoders.{_name}.forward", lambda: {"X": unit(N, D)}, of=_make)
_predictive = made("replearn.autoencoders.PredictiveSparse", D, M, 0.1)
call("autoencoders.PredictiveSparse", lambda: {"d": D, "m": M, "penalty": 0.1})
call("autoencoders.PredictiveSparse.infer", lambda: {"X": unit(N, D)}, of=_predictive)
call(
    "autoencoders.PredictiveSparse.energy",
    lambda: {"X": unit(N, D), "Z": normal(N, M)},
    of=_predictive,
)
call("autoencoders.predictive_loss", lambda: {"model": _predictive(), "X": unit(N, D)})
_factorisation = made("replearn.autoencoders.DeepFactorisation", N, [M, D], penalty=0.1)
call("autoencoders.DeepFactorisation", lambda: {"n": N, "sizes": [M, 5, D]})
call("autoencoders.DeepFactorisation.forward", lambda: {"index": numbers(5)}, of=_factorisation)
call("autoencoders.DeepFactorisation.decode", lambda: {"H": normal(N, M)}, of=_factorisation)
call(
    "autoencoders.DeepFactorisation.cost",
    lambda: {"X": unit(N, D), "H": normal(N, M)},
    of=_factorisation,
)
call("autoencoders.DeepFactorisation.infer", lambda: {"X": unit(5, D)}, of=_factorisation)
call(
    "autoencoders.factorisation_loss",
    lambda: {"model": _factorisation(), "X": unit(N, D), "index": numbers()},
)
for _name in ("Dense", "factorisation.UnitColumns", "predictive.GainEncoder"):
    call(f"autoencoders.{_name}", lambda: {"d": D, "m": M}, then=lambda layer: layer.extra_repr())
    call(
        f"autoencoders.{_name}.forward",
        lambda: {"X": unit(N, D)},
        of=made(f"replearn.autoencoders.{_name}", D, M),
        then=lambda result: result.detach() * 0,
    )
call("autoencoders.predictive.UnitDictionary", lambda: {"d": D, "m": M}, then=lambda m: m.D * 0)
call(
    "autoencoders.predictive.UnitDictionary.forward",
    lambda: {"H": unit(N, M)},
    of=made("replearn.autoencoders.predictive.UnitDictionary", D, M),
    then=lambda result: result.detach() * 0,
)
call("autoencoders.KSparse", lambda: {"k": 2})
call(
    "autoencoders.KSparse.forward",
    lambda: {"A": normal(N, M)},
    of=made("replearn.autoencoders.KSparse", 2),
)
call(
    "autoencoders.TiedDecoder",
    lambda: {"encoder": list(autoencoder().encoder)},
)
call(
    "autoencoders.TiedDecoder.forward",
    lambda: {"H": unit(N, M)},
    of=lambda: autoencoder(tied=True).decoder,
)
call("autoencoders.dense_autoencoder", lambda: {"sizes": [D, 5, M]})
call("autoencoders.dense_autoencoder[tied]", lambda: {"sizes": [D, 5, M], "tied": True, "k": 2})
call(
    "autoencoders.convolutional_autoencoder",
    lambda: {"shape": (6, 6), "channels": (2,)},
    then=lambda model: (model, model(unit(2, 36))),
)
call(
    "autoencoders.layers.dense_stack",
    lambda: {"sizes": [D, M], "activation": "relu", "last": "linear"},
    then=lambda stack: stack(unit(N, D)) * 0,
)
for _name in ("activation_derivative", "activation_derivative_grad"):
    call(f"autoencoders.layers.{_name}", lambda: {"activation": "tanh", "H": unit(N, M)})
for _name in ("squared_error", "cross_entropy"):
    call(
        f"autoencoders.{_name}",
        lambda: {"model": autoencoder(), "H": unit(N, M), "X": unit(N, D, seed=1)},
    )
for _name in ("l1", "contractive", "weight_decay"):
    call(
        f"autoencoders.{_name}",
        lambda: {"model": autoencoder(), "X": unit(N, D), "H": unit(N, M)},
    )
call(
    "autoencoders.hutchinson",
    lambda: {"n_probes": 2},
    then=lambda penalty: penalty(autoencoder(), unit(N, D), unit(N, M)) * 0,
)
call(
    "autoencoders.kl_to_rate",
    lambda: {"rate": 0.1},
    then=lambda penalty: penalty(autoencoder(), unit(N, D), unit(N, M)),
)
call(
    "autoencoders.objective",
    then=lambda loss: loss(autoencoder(), unit(N, D)),
)
call("autoencoders.save_model", lambda: {"model": autoencoder(), "path": temporary("a.model")})
call("autoencoders.load_model", lambda: {"path": saved()})

# comparison
call(
    "comparison.measure",
    lambda: {
        "method": "PCA",
        "data": dataset(),
        "H_train": unit(1200, M),
        "H_test": unit(40, M),
        "X_hat_test": unit(40, D),
        "chapter": "lectures/03_pca",
        "probe_all": False,
    },
)
call("comparison.table", lambda: {"rows": [row()]})
call("comparison.Table.to_html", of=lambda: resolve("replearn.comparison.table")([row()]))
call("comparison.rows_from_data", lambda: {"data": {"rows": [dataclasses.asdict(row())]}})

# data
for _name in ("circle", "spiral", "swiss_roll", "two_moons"):
    call(f"data.{_name}", lambda: {"n": N, "noise": 0.1})
call(
    "data.data_with_covariance",
    lambda: {"n": N, "variances": [2.0, 1.0], "d": 4, "generator": generator()},
)
call("data.drawn_faces", lambda: {"n": N})
call("data.extract_patches", lambda: {"images": [grey()], "size": 3, "n": N, "seed": 0})
call("data.load_digits")
call("data.planted_vocabulary", lambda: {"n_topics": 8, "d": 10})
call("data.Dataset.subset", lambda: {"n_train": 5}, of=dataset)
call("data.WordVectors.vector", lambda: {"word": "b"}, of=vocabulary)
call("data.WordVectors.nearest", lambda: {"vector": normal(D), "k": 2}, of=vocabulary)

# device, folders
call("device.seeded", lambda: {"seed": 0}, then=lambda block: block.__enter__())
call("folders.data_folder", then=str)
call("folders.cache_folder", then=str)

# dictionary
_learner: dict[str, Any] = {"n_atoms": M, "penalty": 0.1, "epochs": 2, "max_iter": 4}
_quiet = {"progress": False, "batch_size": 5}


def learner(**settings: Any) -> Any:
    """A dictionary learner."""
    from replearn.dictionary import DictionaryLearning

    return DictionaryLearning(**{**_learner, **_quiet, **settings})


call("dictionary.DictionaryLearning", lambda: dict(_learner))
call("dictionary.DictionaryLearning.fit", lambda: {"X": normal(N, D)}, of=learner)
call(
    "dictionary.DictionaryLearning.fit[alternating]",
    lambda: {"X": normal(N, D)},
    of=lambda: learner(method="alternating"),
)
call("dictionary.DictionaryLearning.fit_transform", lambda: {"X": normal(N, D)}, of=learner)
call("dictionary.DictionaryLearning.partial_fit", lambda: {"X": normal(N, D)}, of=learner)
call(
    "dictionary.DictionaryLearning.transform",
    lambda: {"X": normal(N, D)},
    of=lambda: learner().fit(normal(N, D)),
)
call(
    "dictionary.DictionaryLearning.score",
    lambda: {"X": normal(N, D)},
    of=lambda: learner().fit(normal(N, D)),
)
call(
    "dictionary.DictionaryLearning.inverse_transform",
    lambda: {"H": normal(N, M)},
    of=lambda: learner().fit(normal(N, D)),
)
call(
    "dictionary.alternating_step",
    lambda: {"X": normal(N, D), "D": atoms(), "H": normal(N, M, seed=2)},
)
call(
    "dictionary.update.update_atoms",
    lambda: {"atoms": atoms().T.contiguous(), "A": torch.eye(M, device="cpu"), "B": normal(M, D)},
)
call("dictionary.fit_gabor", lambda: {"atoms": normal(2, 36), "size": 6})
call("dictionary.GaborFits.atoms", lambda: {"size": 6}, of=gabors)
_ksvd = made("replearn.dictionary.KSVD", M, n_nonzero=2, max_iter=2, tol=1.0)
_fitted_ksvd = made(
    "replearn.dictionary.KSVD",
    M,
    n_nonzero=2,
    max_iter=2,
    tol=1.0,
    fitted=lambda: normal(20, D),
)
call("dictionary.KSVD", lambda: {"n_atoms": M})
call("dictionary.KSVD.fit", lambda: {"X": normal(20, D)}, of=_ksvd)
call("dictionary.KSVD.fit_transform", lambda: {"X": normal(20, D)}, of=_ksvd)
for _name in ("transform", "score"):
    call(f"dictionary.KSVD.{_name}", lambda: {"X": normal(N, D)}, of=_fitted_ksvd)
call("dictionary.KSVD.inverse_transform", lambda: {"H": normal(N, M)}, of=_fitted_ksvd)
call("dictionary.match_atoms", lambda: {"D": atoms(), "D_true": normal(D, M)})
call("dictionary.mutual_coherence", lambda: {"D": atoms()})
call("dictionary.normalise_atoms", lambda: {"D": normal(D, M)})


# geometry
def wide(X: Tensor) -> Tensor:
    """More values than coordinates."""
    return torch.cat([torch.tanh(X), torch.sin(X)], 1)


call("geometry.jacobian", lambda: {"function": torch.square, "X": normal(N, D)})
call("geometry.jacobian[narrow]", lambda: {"function": lambda X: X[:, :1] ** 2, "X": normal(N, D)})
call("geometry.jacobian[wide]", lambda: {"function": wide, "X": normal(N, 2)})
call("geometry.tangent_planes", lambda: {"encode": torch.square, "X": normal(N, D), "dim": 2})
call(
    "geometry.local_pca",
    lambda: {"X": normal(N, 3), "at": normal(2, 3, seed=1), "dim": 2, "neighbours": 5},
)
call(
    "geometry.reconstruction_field",
    lambda: {"model": torch.zeros_like, "points": normal(N, 2)},
)

# images
call("images.all_patches", lambda: {"image": grey(), "size": 3})
call(
    "images.assemble",
    lambda: {"patches": unit(80, 9), "shape": (12, 10), "size": 3},
)
call("images.remove_mean", lambda: {"P": unit(N, 9)})
call("images.dct_dictionary", lambda: {"size": 4, "n_per_axis": 6})
call("images.bicubic", lambda: {"image": grey(), "factor": 2})
call("images.shrink", lambda: {"image": grey(), "factor": 2})
call("images.psnr", lambda: {"image": grey(), "reference": unit(12, 10)})
call("images.denoise", lambda: {"image": grey(), "D": atoms(9, 12), "sigma": 0.1})
call(
    "images.inpaint",
    lambda: {"image": grey(), "mask": unit(12, 10, seed=8) > 0.3, "D": atoms(9, 12)},
)
call("images.total_variation", lambda: {"image": grey(), "weight": 0.1, "max_iter": 2000})
call(
    "images.train_coupled",
    lambda: {"images": [grey(24, 24)], "size": 4, "n_atoms": 8, "n_patches": 60, "epochs": 1},
)
call("images.upscale", lambda: {"image": grey(), "coupled": coupled()})
_whitener = made("replearn.images.PatchWhitener", fitted=lambda: unit(40, 9))
call("images.PatchWhitener")
call(
    "images.PatchWhitener.fit",
    lambda: {"X": unit(40, 9)},
    of=made("replearn.images.PatchWhitener"),
)
call(
    "images.PatchWhitener.fit_transform",
    lambda: {"X": unit(40, 9)},
    of=made("replearn.images.PatchWhitener"),
)
call("images.PatchWhitener.transform", lambda: {"X": unit(40, 9)}, of=_whitener)
call("images.PatchWhitener.inverse_transform", lambda: {"Z": normal(40, 9)}, of=_whitener)

# linear autoencoders
_linear = made("replearn.linear_autoencoder.LinearAutoencoder", D, M)
call("linear_autoencoder.LinearAutoencoder", lambda: {"d": D, "m": M})
call("linear_autoencoder.LinearAutoencoder.encode", lambda: {"X": normal(N, D)}, of=_linear)
call("linear_autoencoder.LinearAutoencoder.decode", lambda: {"H": normal(N, M)}, of=_linear)
call("linear_autoencoder.LinearAutoencoder.forward", lambda: {"X": normal(N, D)}, of=_linear)
call("linear_autoencoder.factorise", lambda: {"X": normal(N, D), "m": 2})
call(
    "linear_autoencoder.reconstruction_loss",
    lambda: {"model": _linear(), "X": normal(N, D)},
)

# logistic PCA, PCA
_logistic = made("replearn.logistic.LogisticPCA", 2, max_iter=50, tol=1e-2, ridge=0.1)
_fitted_logistic = made(
    "replearn.logistic.LogisticPCA",
    2,
    max_iter=50,
    tol=1e-2,
    ridge=0.1,
    fitted=lambda: binary(20, D),
)
call("logistic.LogisticPCA", lambda: {"n_components": 2})
call("logistic.LogisticPCA.fit", lambda: {"X": binary(20, D)}, of=_logistic)
call("logistic.LogisticPCA.fit_transform", lambda: {"X": binary(20, D)}, of=_logistic)
call("logistic.LogisticPCA.transform", lambda: {"X": binary(20, D)}, of=_fitted_logistic)
call("logistic.LogisticPCA.score", lambda: {"X": binary(20, D)}, of=_fitted_logistic)
call("logistic.LogisticPCA.inverse_transform", lambda: {"H": normal(20, 2)}, of=_fitted_logistic)
call("pca.PCA", lambda: {"n_components": 2})
_pca = made("replearn.pca.PCA", 2)
_fitted_pca = made("replearn.pca.PCA", 2, fitted=lambda: normal(N, D))
call("pca.PCA.fit", lambda: {"X": normal(N, D)}, of=_pca)
for _solver in ("full", "covariance_eigh", "randomized"):
    call(
        f"pca.PCA.fit[{_solver}]",
        lambda: {"X": normal(40, 20)},
        of=made("replearn.pca.PCA", 2, svd_solver=_solver),
    )
call("pca.PCA.fit_transform", lambda: {"X": normal(N, D)}, of=_pca)
call("pca.PCA.transform", lambda: {"X": normal(N, D)}, of=_fitted_pca)
call("pca.PCA.partial_fit", lambda: {"X": normal(N, D)}, of=_pca)
for _name in ("score", "score_samples"):
    call(f"pca.PCA.{_name}", lambda: {"X": normal(N, D)}, of=_fitted_pca)
call("pca.PCA.inverse_transform", lambda: {"H": normal(N, 2)}, of=_fitted_pca)

# metrics
call("metrics.reconstruction_error", lambda: {"X": normal(N, D), "X_hat": unit(N, D)})
call("metrics.explained_variance", lambda: {"X": normal(N, D), "X_hat": unit(N, D)})
call("metrics.sparsity", lambda: {"H": unit(N, D)})
call("metrics.principal_angles", lambda: {"A": normal(D, 2), "B": normal(D, 2, seed=1)})
call(
    "metrics.linear_probe",
    lambda: {
        "H": normal(40, M),
        "y": labels(40),
        "H_test": normal(N, M, seed=1),
        "y_test": labels(),
        "labels": 10,
        "repeats": 2,
    },
)

# mixtures
call(
    "mixtures.GaussianMixture",
    lambda: {
        "means": normal(2, 2),
        "covariances": torch.eye(2, device="cpu").expand(2, 2, 2).clone(),
        "weights": torch.tensor([0.3, 0.7], device="cpu"),
    },
)
call("mixtures.GaussianMixture[one variance]", lambda: {"means": normal(2, 2), "covariances": 0.2})
for _name in ("log_density", "posterior_mean", "score", "score_function"):
    call(
        f"mixtures.GaussianMixture.{_name}",
        lambda: {"Y": normal(N, 2), "noise_std": 0.5},
        of=mixture,
    )
call("mixtures.GaussianMixture.sample", lambda: {"n": N, "generator": generator()}, of=mixture)

call("conclusions.conclude", lambda: {"*": ("below", normal(3), "<", 10.0)})

# plotting: figures are looked at elsewhere, here that they are made
call(
    "plotting.curves",
    lambda: {"series": {"a": normal(5), "b": normal(5, seed=1)}},
    then=lambda result: None,
)
call(
    "plotting.diagram",
    lambda: {"boxes": {"x": (0, 0), "h": (1, 0)}, "arrows": [("x", "h")]},
    then=lambda result: None,
)
call("plotting.filters", lambda: {"W": normal(4, 9), "shape": (3, 3)}, then=lambda result: None)
call("plotting.image_grid", lambda: {"images": unit(4, 9), "shape": (3, 3)}, then=lambda r: None)
call("plotting.new_figure", then=lambda result: None)
call(
    "plotting.show",
    lambda: {
        "fig": resolve("replearn.plotting.new_figure")()[0],
        "alt": "a figure of nothing",
    },
    then=lambda rendered: rendered.alt,
)
call(
    "plotting.maps.code_map",
    lambda: {"H": normal(N, 2), "y": labels()},
    then=lambda result: None,
)
call("plotting.maps.spectrum", lambda: {"values": {"a": unit(N, 4)}}, then=lambda result: None)
call(
    "plotting.maps.vector_field",
    lambda: {"points": normal(N, 2), "vectors": unit(N, 2)},
    then=lambda result: None,
)

# pretraining
_rbm = made("replearn.pretraining.RBM", D, M)
call("pretraining.RBM", lambda: {"d": D, "m": M})
for _name in ("encode", "forward", "free_energy"):
    call(f"pretraining.RBM.{_name}", lambda: {"X": binary(N, D)}, of=_rbm)
call("pretraining.RBM.pseudo_log_likelihood", lambda: {"X": binary(N, D)}, of=_rbm)
call(
    "pretraining.RBM.log_partition",
    lambda: {"X": binary(N, D), "chains": 4, "temperatures": 5, "generator": generator()},
    of=_rbm,
)
_learning = made("replearn.pretraining.RBMLearning", M)
_fitted_learning = made("replearn.pretraining.RBMLearning", M, fitted=lambda: binary(N, D))
call("pretraining.RBMLearning")
for _name in ("fit", "partial_fit"):
    call(f"pretraining.RBMLearning.{_name}", lambda: {"X": binary(N, D)}, of=_learning)
for _name in ("transform", "score", "score_samples"):
    call(f"pretraining.RBMLearning.{_name}", lambda: {"X": binary(N, D)}, of=_fitted_learning)
call("pretraining.RBMLearning.inverse_transform", lambda: {"H": unit(N, M)}, of=_fitted_learning)
call("pretraining.RBM.decode", lambda: {"H": binary(N, M)}, of=_rbm)
call("pretraining.RBM.gibbs", lambda: {"X": binary(N, D), "generator": generator()}, of=_rbm)
call(
    "pretraining.RBM.sample_hidden",
    lambda: {"X": binary(N, D), "generator": generator()},
    of=_rbm,
)
call(
    "pretraining.RBM.sample_visible",
    lambda: {"H": binary(N, M), "generator": generator()},
    of=_rbm,
)
call(
    "pretraining.contrastive_divergence",
    lambda: {"steps": 2},
    then=lambda loss: loss(_rbm(), binary(N, D)) * 0,
)


def classifier() -> Any:
    """Two classes on top of one layer."""
    from replearn.pretraining import Classifier

    return Classifier(autoencoder().encoder, M, 2)


call(
    "pretraining.Classifier",
    lambda: {"encoder": autoencoder().encoder, "m": M, "n_classes": 2},
)
call("pretraining.Classifier.forward", lambda: {"X": unit(N, D)}, of=classifier)
call(
    "pretraining.classification_loss",
    lambda: {"model": classifier(), "X": unit(N, D), "y": labels()},
)
call(
    "pretraining.adversarial",
    lambda: {"epsilon": 0.1},
    then=lambda loss: loss(classifier(), unit(N, D), labels()),
)
call("pretraining.error_rate", lambda: {"model": classifier(), "X": unit(N, D), "y": labels()})
call("pretraining.encode", lambda: {"model": autoencoder(), "X": unit(N, D)})
call(
    "pretraining.greedy",
    lambda: {
        "layers": [autoencoder(), resolve("replearn.pretraining.RBM")(M, 2)],
        "X": unit(N, D),
        "losses": [
            resolve("replearn.autoencoders.objective")(),
            resolve("replearn.pretraining.contrastive_divergence")(),
        ],
        "epochs": 2,
        "batch_size": 5,
        "progress": False,
    },
)
call("pretraining.stacked_encoder", lambda: {"layers": [autoencoder()]})
call("pretraining.unroll", lambda: {"layers": [autoencoder()]})

# sparse
for _name in ("sparse_codes", "coordinate_descent", "homotopy", "fista", "ista"):
    call(f"sparse.{_name}", solver())
for _name in ("coordinate_descent", "homotopy", "fista", "ista"):
    call(f"sparse.sparse_codes[{_name}]", solver(solver=_name.replace("_", " ")))
call("sparse.sparse_codes[penalties]", lambda: {**solver()(), "penalty": 0.1 + unit(N)})
call("sparse.sparse_codes[nonnegative]", solver(nonnegative=True))
call(
    "sparse.sparse_codes[groups]",
    lambda: {**solver()(), "groups": torch.tensor([0, 1, 1, 0], device="cpu")},
)
call("sparse.sparse_codes[weights]", lambda: {**solver(l2=0.1)(), "weights": 0.5 + unit(M)})
call(
    "sparse.codes_along",
    lambda: {"X": normal(N, D), "D": atoms(), "penalties": [0.5, 0.1]},
    then=lambda found: found[-1],
)
call("sparse.select_penalty", lambda: {"X": normal(N, D), "D": atoms(), "folds": 3})
call("sparse.omp", lambda: {"X": normal(N, D), "D": atoms(), "n_nonzero": 2})
call(
    "sparse.omp[mask]",
    lambda: {"X": normal(N, D), "D": atoms(), "error": 0.5, "mask": unit(N, D) > 0.2},
)
call("sparse.largest_penalty", lambda: {"X": normal(N, D), "D": atoms()})
call("sparse.lipschitz", lambda: {"D": atoms()})
for _name in ("lasso_objective", "duality_gap", "optimality"):
    call(f"sparse.{_name}", lambda: {**solver()(), "H": normal(N, M, seed=2)})
for _name in ("soft_threshold", "nonnegative_threshold", "hard_threshold", "sign_clamp"):
    call(f"sparse.{_name}", lambda: {"Z": normal(N, M), "t": 0.3})
_lista = lambda: resolve("replearn.sparse.LISTA")(atoms(), 0.1, 3)  # noqa: E731
call("sparse.LISTA", lambda: {"D": atoms(), "penalty": 0.1, "n_layers": 3})
call("sparse.LISTA.forward", lambda: {"X": normal(N, D)}, of=_lista)
call("sparse.lista_loss", lambda: {"model": _lista(), "X": normal(N, D)})

# training
call("training.train", trained)
call(
    "training.train[all of it]",
    lambda: trained(
        X_val=unit(N, D, seed=4), patience=2, checkpoint=temporary("run.checkpoint"), lr=0.01
    ),
)

call(
    "training.History.plot",
    of=lambda: resolve("replearn.training.History")(loss=[2.0, 1.0], epochs=2),
    then=lambda result: None,
)
call(
    "training.train[schedule]",
    lambda: trained(
        schedule=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1),
        max_norm=1.0,
        callbacks=[lambda state: None],
    ),
)

#: Public names that are not called, and why.
NOT_CALLED: dict[str, str] = {
    f"replearn.{name}": reason
    for reason, names in {
        "a type for annotations": (
            "autoencoders.Corruption",
            "autoencoders.Penalty",
            "training.Callback",
            "training.Loss",
        ),
        "a constant": (
            "autoencoders.layers.ACTIVATIONS",
            "comparison.MIME_TYPE",
            "plotting.LINE_STYLES",
            "plotting.PALETTE",
        ),
        "an exception": (
            "conclusions.ConclusionError",
            "data.DataUnavailable",
            "data.WrongContent",
        ),
        "a record that holds what it is given": (
            "comparison.Row",
            "comparison.Score",
            "comparison.Table",
            "conclusions.Conclusion",
            "data.Dataset",
            "data.Faces",
            "data.Photographs",
            "data.WordVectors",
            "dictionary.AtomMatch",
            "dictionary.GaborFits",
            "geometry.TangentPlanes",
            "images.CoupledDictionary",
            "linear_autoencoder.Factorisation",
            "metrics.ProbeResult",
            "plotting.Rendered",
            "pretraining.LogPartition",
            "sparse.Codes",
            "sparse.PenaltySelection",
            "training.History",
            "training.State",
        ),
        "it asks for files that may have to be downloaded": (
            "data.face_frames",
            "data.handwritten_digits",
            "data.load_frey_faces",
            "data.load_mnist",
            "data.load_photographs",
            "data.load_word_vectors",
            "data.word_vectors",
        ),
        "it asks which device there is": ("device.default_device",),
    }.items()
    for name in names
}
