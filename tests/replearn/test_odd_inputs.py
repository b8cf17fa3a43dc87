"""Forty odd tensors in place of each tensor that a public callable takes.

Each works, with a finite result, or is refused with one sentence that names the argument, what was
got and what is wanted. Nothing else happens: no other error, no warning, no change of what was
given, of torch's and NumPy's generators or of the default dtype, and no call takes long.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import math
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from replearn._validate import check_matrix
from replearn.sparse import sparse_codes
from tests.replearn.calls import CALLS, Call, method, parts, resolve

# Of the processor's time, which other programs do not lengthen. A valid call takes milliseconds,
# but the first one of a dtype may have to be compiled.
SECONDS = 20


class Subclass(Tensor):
    """A tensor of another type."""


def one_is(value: float) -> Callable[[Tensor], Any]:
    """The tensor with one of its values replaced."""

    def odd(v: Tensor) -> Tensor:
        v = v.clone()
        v.view(-1)[v.numel() // 2] = value
        return v

    return odd


def _nested(v: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that they are a prototype
        return torch.nested.nested_tensor([v, v])


def _sparse(v: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that CSR is in beta
        return v.to_sparse_csr()


#: What is made of a valid tensor. A function may refuse to make it, where it makes no sense.
ODD: dict[str, Callable[[Tensor], Any]] = {
    "sparse COO": lambda v: v.to_sparse(),
    "sparse CSR": _sparse,
    "complex64": lambda v: v.to(torch.complex64),
    "int64": lambda v: v.to(torch.int64),
    "uint8": lambda v: v.abs().to(torch.uint8),
    "bool": lambda v: v > 0,
    "bfloat16": lambda v: v.to(torch.bfloat16),
    "float16": lambda v: v.to(torch.float16),
    "float64": lambda v: v.to(torch.float64),
    "nested": _nested,
    "NumPy": lambda v: v.numpy().copy(),
    "NumPy float64": lambda v: v.double().numpy(),
    "NumPy objects": lambda v: v.numpy().astype(object),
    "list": lambda v: v.tolist(),
    "None": lambda v: None,
    "str": lambda v: "X",
    "a number": lambda v: 3,
    "a dict": lambda v: {"X": v},
    "0-d": lambda v: v.flatten()[0],
    "1-d": lambda v: v.flatten(),
    "one axis more": lambda v: v[None],
    "two axes more": lambda v: v[None, None],
    "no rows": lambda v: v[:0],
    "no columns": lambda v: v[..., :0],
    "NaN": one_is(math.nan),
    "all NaN": lambda v: torch.full_like(v, math.nan),
    "inf": one_is(math.inf),
    "-inf": one_is(-math.inf),
    "1e30": lambda v: v * 1e30,
    "1e-30": lambda v: v * 1e-30,
    "denormal": lambda v: v * 1e-40,
    "not contiguous": lambda v: v.mT.contiguous().mT,
    "stride 0": lambda v: v[:1].expand_as(v),
    "requires grad": lambda v: v.clone().requires_grad_(),
    "Parameter": lambda v: nn.Parameter(v.clone()),
    "subclass": lambda v: v.clone().as_subclass(Subclass),
    "meta": lambda v: v.to("meta"),
    "a row less": lambda v: v[:-1],
    "one row": lambda v: v[:1],
    "a column less": lambda v: v[..., :-1],
    "one column": lambda v: v[..., :1],
    "zeros": torch.zeros_like,
    "negative": lambda v: -v,
}
#: As good as the valid ones, so they must work.
FINE = {"not contiguous", "requires grad", "Parameter", "subclass"}
#: Not finite, or so large that squares are not.
HUGE = {"NaN", "all NaN", "inf", "-inf", "1e30"}
#: Functions of training's inner loop, where a look at all values would cost a pass over them: NaN
#: gives NaN there, as in torch's own. So do the methods of networks.
PASSES_ON = {
    f"replearn.{name}"
    for name in (
        *("autoencoders.contractive", "autoencoders.cross_entropy", "autoencoders.l1"),
        *("autoencoders.factorisation_loss", "autoencoders.squared_error"),
        *("autoencoders.layers.activation_derivative", "autoencoders.predictive_loss"),
        *(
            "autoencoders.layers.activation_derivative_grad",
            "linear_autoencoder.reconstruction_loss",
        ),
        # What a corruption leaves, it leaves as it is.
        *("autoencoders.Gaussian.__call__", "autoencoders.Masking.__call__"),
        "autoencoders.SaltAndPepper.__call__",
        *("pretraining.classification_loss", "sparse.hard_threshold", "sparse.lista_loss"),
        *("sparse.nonnegative_threshold", "sparse.sign_clamp", "sparse.soft_threshold"),
    )
}
#: Names whose docstrings say that a loss that is no number ends them with a FloatingPointError: so
#: they see it without a pass over the data.
STOPPED_BY = {"replearn.training.train", "replearn.pretraining.greedy"}
#: Names whose docstrings say that such an input gives NaN or infinity.
UNDEFINED = {("replearn.dictionary.fit_gabor", "zeros"): "a blank atom has no frequency"}


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Errors for warnings and for what takes too long."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # What a solver has to say of its result, scikit-learn's way.
            warnings.filterwarnings("ignore", category=_convergence_warning())
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _convergence_warning() -> type[Warning]:
    from sklearn.exceptions import ConvergenceWarning

    return ConvergenceWarning


def taken(call: Call, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors among the arguments; of a list of them the first."""
    found = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
    for name, value in arguments.items():
        if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
            found[name] = value[0]
    return found


def house_sentence(target: Any, message: str) -> bool:
    """One sentence, such as ``X: got shape (3,), want (n, d)``, of arguments of the callable.

    Which one it names is the callable's choice: where two do not fit, either may be wrong. It may
    be one of an estimator's parameters, which meet the data in ``fit`` only.
    """
    arguments = set(inspect.signature(target).parameters)
    if isinstance(estimator := getattr(target, "__self__", None), BaseEstimator):
        arguments |= set(estimator.get_params())
    said = re.match(r"([\w\[\]', ]+): got .*, want ", message, re.DOTALL)
    if said is None:
        return False
    named = set(re.findall(r"\w+", re.sub(r"\[.*?\]", "", said[1])))
    return bool(named) and named <= arguments


def not_finite(result: Any) -> list[str]:
    """Where a result has values that are no numbers."""
    found = []
    for where, value in parts(result).items():
        if isinstance(value, Tensor):
            value = value.detach()
            if value.is_sparse or not (value.is_floating_point() or value.is_complex()):
                continue
            good = value.device.type == "meta" or bool(value.isfinite().all())
        elif isinstance(value, np.ndarray):
            good = value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
        else:
            good = not isinstance(value, float) or math.isfinite(value)
        if not good:
            found.append(where)
    return found


def state() -> tuple[Any, ...]:
    """What no call may change."""
    numpy = np.random.get_state()
    return (
        bytes(torch.get_rng_state().numpy()),
        numpy[1].tobytes() + bytes(str(numpy[2:]), "ascii"),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
    )


def unchanged(value: Any, before: Any) -> bool:
    if (
        not isinstance(value, Tensor)
        or value.device.type == "meta"
        or value.layout != torch.strided
    ):
        return True
    return value.is_nested or bool(torch.equal(value.detach().nan_to_num(7), before.nan_to_num(7)))


def passes_on(call: Call, of: Any) -> bool:
    """Whether values are passed on without a look at them."""
    return isinstance(of, nn.Module) or call.name.split("[")[0] in PASSES_ON


def complaint(call: Call, of: Any, kind: str, odd: Any, arguments: dict[str, Any]) -> str | None:
    """What is wrong with what a call makes of an odd argument; None if nothing is."""
    target = resolve(call.name) if of is None else method(of, call.name)
    before = odd.detach().clone() if isinstance(odd, Tensor) else None
    world = state()
    try:
        with watched():
            result = target(**arguments)
            wrong = not_finite(result)
            if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
                pyplot.close("all")
    except (ValueError, TypeError) as error:
        if kind in FINE:
            return f"refused: {str(error)[:150]!r}"
        if not house_sentence(target, str(error)):
            return f"{type(error).__name__}: {str(error)[:150]!r}"
    except FloatingPointError as error:
        if kind not in HUGE or call.name.split("[")[0] not in STOPPED_BY:
            return f"FloatingPointError: {str(error)[:150]!r}"
    except (Exception, Warning) as error:
        return f"{type(error).__name__}: {str(error)[:150]!r}"
    else:
        if wrong and not (kind in HUGE and passes_on(call, of)):
            return f"not finite: {', '.join(wrong[:3])}"
    if state() != world:
        return "changed a generator, the default dtype or the gradient mode"
    if not unchanged(odd, before):
        return "changed what it was given"
    return None


def complaints(call: Call) -> list[str]:
    """What is wrong with a callable, for all its tensors and all odd inputs."""
    found = []
    names = taken(call, call.arguments())
    of = None if call.of is None else call.of()
    for name in names:
        for kind, make in ODD.items():
            arguments = call.arguments()
            valid = taken(call, arguments)[name]
            try:
                odd = make(valid)
            except (RuntimeError, IndexError, TypeError, NotImplementedError):
                continue  # there is no such tensor
            several = not isinstance(arguments[name], Tensor)
            arguments[name] = [odd] if several else odd
            wrong = complaint(call, copy.deepcopy(of), kind, odd, arguments)
            if wrong is not None and (call.name, kind) not in UNDEFINED:
                found.append(f"{name} {kind}: {wrong}")
    return found


WITH_TENSORS = {
    key: call
    for key, call in CALLS.items()
    if "global generator" not in key and taken(call, call.arguments())
}


@pytest.mark.parametrize("key", WITH_TENSORS)
def test_odd_inputs_work_or_are_refused_in_a_sentence(key: str) -> None:
    found = complaints(WITH_TENSORS[key])
    assert found == [], "\n".join([key, *found])


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Loops are compiled before the clock of a call starts."""
    for dtype in (torch.float32, torch.float64):
        X = torch.eye(3, dtype=dtype)
        for solver in ("homotopy", "coordinate descent"):
            sparse_codes(X, X, 0.1, solver=solver)


def test_there_are_forty_odd_inputs_for_a_matrix() -> None:
    made = []
    for kind, make in ODD.items():
        with contextlib.suppress(RuntimeError, IndexError, TypeError, NotImplementedError):
            make(torch.randn(4, 3))
            made.append(kind)
    assert len(made) >= 40


class Faulty:
    """Callables that each break one of the rules."""

    @staticmethod
    def raw(X: Tensor) -> Tensor:
        return X @ X.mT

    @staticmethod
    def writes(X: Tensor) -> Tensor:
        check_matrix("X", X)
        return X.data.add_(1).detach()

    @staticmethod
    def draws(X: Tensor) -> Tensor:
        check_matrix("X", X)
        return torch.rand(3)

    @staticmethod
    def warns(X: Tensor) -> Tensor:
        check_matrix("X", X)
        warnings.warn("careful", stacklevel=1)
        return X

    @staticmethod
    def infinite(X: Tensor) -> Tensor:
        check_matrix("X", X)
        return X / 0

    @staticmethod
    def another(X: Tensor) -> Tensor:
        check_matrix("Y", X)
        return X

    @staticmethod
    def sound(X: Tensor) -> Tensor:
        check_matrix("X", X)
        return X


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raw", "RuntimeError"),
        ("writes", "changed what it was given"),
        ("draws", "changed a generator"),
        ("warns", "UserWarning: 'careful'"),
        ("infinite", "not finite"),
        ("another", "ValueError: 'Y: got"),
        ("sound", None),
    ],
)
def test_each_rule_is_enforced(name: str, said: str | None) -> None:
    call = Call(f"x.{name}", lambda: {"X": torch.randn(4, 3, device="cpu")}, of=Faulty)
    found = complaints(call)
    assert any(said in line for line in found) if said else found == [], found
