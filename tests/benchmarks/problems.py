"""The sparse coding problems of the benchmarks, prepared once and kept in _build/bench/problems.

A problem is photograph patches, a dictionary learned on other patches, a penalty for which about a
tenth of the codes is not zero, and the least objective in float64 with a certificate: its duality
gap, computed here from the formula, so that it does not matter who found the codes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from replearn.data import Photographs, extract_patches, load_photographs
from replearn.images import PatchWhitener
from tests.benchmarks.quick import is_quick, size

FOLDER = Path(__file__).resolve().parents[2] / "_build" / "bench" / "problems"
SIDE, ATOMS, NONZEROS = 12, 256, 0.1
N = size(10_000, 200)
LEARN_ON = size(40_000, 2_000)  # patches that the dictionary is learned on
CERTIFIED = 1e-9

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """X (n, d) and D (d, m) float32; best = sum of F(h*), certified to the relative gap.

    values : F(h*) of each sample (n,), certified likewise.
    """

    kind: str
    photographs: str
    X: NDArray[np.float32]
    D: NDArray[np.float32]
    penalty: float
    best: float
    values: NDArray[np.float64]
    certificate: float
    lipschitz: float
    nonzeros: float

    def gap(self, codes: Any) -> float:
        """sum F(h) / sum F(h*) - 1 of codes (n, m), or (m, n) as SPAMS gives them."""
        H = dense(codes)
        value = objective(
            self.X.astype(np.float64), self.D.astype(np.float64), H, self.penalty
        ).sum()
        return float(value) / self.best - 1

    def right(self, codes: Any, within: float) -> float:
        """The share of samples whose objective is finite and that near to its minimum."""
        X, D = self.X.astype(np.float64), self.D.astype(np.float64)
        value = objective(X, D, dense(codes), self.penalty)
        near = value - self.values <= within * self.values
        return float(np.mean(near & np.isfinite(value)))

    def about(self) -> dict[str, float | str]:
        return {
            "photographs": self.photographs,
            "L": self.lipschitz,
            "share not zero": self.nonzeros,
            "certificate": self.certificate,
        }


def dense(codes: Any) -> Array:
    """Codes (n, m) in float64."""
    if isinstance(codes, Tensor):
        codes = codes.cpu().numpy()
    elif not isinstance(codes, np.ndarray):  # SPAMS: sparse, a sample in each column
        codes = codes.T.toarray()
    return np.asarray(codes, dtype=np.float64)


def objective(X: Array, D: Array, H: Array, penalty: float) -> Array:
    """1/2 ||x - D h||^2 + penalty ||h||_1, (n,)."""
    return 0.5 * np.square(X - H @ D.T).sum(1) + penalty * np.abs(H).sum(1)


def duality_gap(X: Array, D: Array, H: Array, penalty: float) -> Array:
    """F(h) minus the dual 1/2 ||x||^2 - 1/2 ||x - theta||^2 at theta = s (x - D h), (n,).

    theta is feasible where |D^T theta| <= penalty; s is the best of the scales that are.
    """
    residual = X - H @ D.T
    tiny = np.finfo(float).tiny
    most = penalty / np.maximum(np.abs(residual @ D).max(1), tiny)
    scale = (X * residual).sum(1) / np.maximum(np.square(residual).sum(1), tiny)
    theta = np.clip(scale, -most, most)[:, None] * residual
    dual = 0.5 * np.square(X).sum(1) - 0.5 * np.square(X - theta).sum(1)
    return objective(X, D, H, penalty) - dual


@dataclass(frozen=True)
class Patches:
    """How patches of a kind are made: means removed, then times a matrix; rows have variance
    about 1 in each pixel."""

    kind: str
    transform: NDArray[np.float32]
    shift: NDArray[np.float32]
    centred: bool = True

    def draw(self, images: Sequence[Tensor], n: int, seed: int) -> Tensor:
        P = extract_patches(images, SIDE, n, seed=seed)
        if not self.centred:
            return P
        P -= P.mean(1, keepdim=True)
        return (P - torch.from_numpy(self.shift)) @ torch.from_numpy(self.transform)


def patches_of(kind: str, images: Sequence[Tensor]) -> Patches:
    """Whitened patches, or ("coherent") such with only their means removed, which are smooth, so
    that the atoms learned on them are alike, or ("raw") patches as they are."""
    if kind == "raw":
        eye = np.eye(SIDE * SIDE, dtype=np.float32)
        return Patches(kind, eye, np.zeros(SIDE * SIDE, dtype=np.float32), centred=False)
    P = extract_patches(images, SIDE, LEARN_ON, seed=1)
    P -= P.mean(1, keepdim=True)
    if kind == "whitened":
        whitener = PatchWhitener().fit(P)
        return Patches(kind, whitener.whitening_.numpy(), whitener.mean_.numpy())
    assert kind == "coherent", kind
    scale = np.eye(SIDE * SIDE, dtype=np.float32) / float(P.std())
    return Patches(kind, scale, np.zeros(SIDE * SIDE, dtype=np.float32))


def load(kind: str, n: int = N) -> Problem:
    """The problem of this kind, from the folder of problems or made now."""
    photographs = load_photographs()
    found = cached(
        f"{kind}-{n}",
        {"n": n, "learn_on": LEARN_ON, "atoms": ATOMS, "side": SIDE, "nonzeros": NONZEROS},
        photographs,
        lambda: asdict(_make(kind, n, photographs)),
    )
    return Problem(**found)


def cached(
    name: str,
    parameters: dict[str, Any],
    photographs: Photographs,
    make: Callable[[], dict[str, Any]],
    sources: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What make() returns, kept under a key of all that it depends on.

    sources : modules beside this one that have a say in it.
    """
    path = FOLDER / f"{name}-{_key(name, parameters, photographs, sources)}.npz"
    if not path.exists():
        made = make()
        FOLDER.mkdir(parents=True, exist_ok=True)
        # Under another name first: an interrupted run leaves no half of a problem.
        with tempfile.NamedTemporaryFile(dir=FOLDER, suffix=".part", delete=False) as file:
            part = Path(file.name)
            try:
                np.savez(file, **made)
            except BaseException:
                part.unlink()
                raise
        part.replace(path)
    with np.load(path) as stored:
        return {field: stored[field] if stored[field].ndim else stored[field].item()
                for field in stored.files}  # fmt: skip


def _key(
    name: str, parameters: dict[str, Any], photographs: Photographs, sources: tuple[str, ...]
) -> str:
    import sklearn

    digest = hashlib.sha256()
    about = [name, parameters, photographs.name, sklearn.__version__, np.__version__, is_quick()]
    digest.update(json.dumps(about, sort_keys=True).encode())
    for image in photographs.images:
        digest.update(image.numpy().tobytes())
    for module in ("problems", *sources):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    digest.update(Path(extract_patches.__code__.co_filename).read_bytes())
    digest.update(Path(PatchWhitener.fit.__code__.co_filename).read_bytes())
    return digest.hexdigest()[:16]


def _make(kind: str, n: int, photographs: Photographs) -> Problem:
    patches = patches_of(kind, photographs.images)
    learn_on = patches.draw(photographs.images, LEARN_ON, seed=2).numpy()
    X = patches.draw(photographs.images, n, seed=3).numpy()
    if kind == "raw":  # patches code patches, at the penalty that was found hard for all
        D = first_atoms(learn_on)
        penalty = float(np.float32(0.05 * np.median(np.abs(X @ D).max(1))))
    else:
        D = learn_dictionary(learn_on)
        penalty = penalty_for(X[:2000], D, NONZEROS)
    codes = _reference(X, D, penalty)
    X64, D64 = X.astype(np.float64), D.astype(np.float64)
    values = objective(X64, D64, codes, penalty)
    value = values.sum()
    certificate = float(duality_gap(X64, D64, codes, penalty).sum() / value)
    if not certificate <= CERTIFIED:
        raise RuntimeError(
            f"the reference of the {kind} problem has the relative duality gap {certificate:.1e}, "
            f"want at most {CERTIFIED:.0e}"
        )
    return Problem(
        kind=kind,
        photographs=photographs.name,
        X=X,
        D=D,
        penalty=penalty,
        best=float(value),
        values=values,
        certificate=certificate,
        lipschitz=float(np.linalg.eigvalsh(D64.T @ D64)[-1]),
        nonzeros=float((codes != 0).mean()),
    )


def first_atoms(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Random samples of X, normalised, (d, m)."""
    rows = np.random.default_rng(0).permutation(len(X))
    atoms = X[rows[np.linalg.norm(X[rows], axis=1) > 1e-3]][:ATOMS]
    return np.ascontiguousarray((atoms / np.linalg.norm(atoms, axis=1, keepdims=True)).T)


def learn_dictionary(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Atoms (d, m) learned by scikit-learn, so that the problem is none of our making."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    first = first_atoms(X)
    learner = MiniBatchDictionaryLearning(
        ATOMS,
        alpha=penalty_for(X[:1000], first, NONZEROS),
        batch_size=256,
        max_iter=1,
        tol=0.0,
        max_no_improvement=None,
        fit_algorithm="cd",
        dict_init=first.T.copy(),
        random_state=0,
    )
    with warnings.catch_warnings():  # codes of a dictionary that lives for one step
        warnings.simplefilter("ignore")
        learner.fit(X)
    D = learner.components_.T
    return np.ascontiguousarray(D / np.linalg.norm(D, axis=0), dtype=np.float32)


def penalty_for(X: NDArray[np.float32], D: NDArray[np.float32], share: float) -> float:
    """The penalty at which about this share of the codes of X is not zero, by bisection."""
    from replearn.sparse import sparse_codes

    samples, atoms = torch.from_numpy(X), torch.from_numpy(D)
    low, high = 0.0, float((samples @ atoms).abs().max())
    for _ in range(14):
        middle = (low + high) / 2
        codes = sparse_codes(samples, atoms, middle, tol=1e-3)
        if float((codes.H != 0).double().mean()) > share:
            low = middle
        else:
            high = middle
    return float(np.float32((low + high) / 2))


def _reference(X: NDArray[np.float32], D: NDArray[np.float32], penalty: float) -> Array:
    from replearn.sparse import sparse_codes

    codes = sparse_codes(
        torch.from_numpy(X).double(),
        torch.from_numpy(D).double(),
        penalty,
        tol=CERTIFIED / 10,
        max_iter=1_000_000,
    )
    return codes.H.numpy()
