"""Checks for the tests inside assignments: messages that teach, comparison by value.

Every check takes what a student's function returned, refuses anything that is not plain numbers,
and compares as NumPy float64. The type is compared exactly (``type(value) is torch.Tensor``),
because a subclass may carry its own ``__eq__``, and a test must not ask the answer whether it is
right. torch is imported where a tensor is made; where nothing else has loaded it, no value is one.

Two styles of message. Without ``message`` a check says what came back and what was wanted, which is
what a visible test needs. With ``message`` it says that sentence and nothing else, which is what a
hidden test needs, because numbers in a message would give its inputs away.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch

from gradekit.arguments import Watched, compare_arguments, raise_if_changed
from gradekit.protocol import SEED_VARIABLE

__all__ = [
    "check_close",
    "check_integer",
    "check_not_close",
    "check_number",
    "check_tensor",
    "check_tuple",
    "compare_arguments",
    "finite_difference_gradient",
    "grading_generator",
    "value_and_gradients",
]

# Where the words of the Mersenne twister stand in the state of a torch.Generator, in steps of 8
# bytes: behind the seed, two counts and a place (ATen/CPUGeneratorImpl.cpp).
_TWISTER_START, _TWISTER_WORDS = 3, 624
PARTS_NAMED = 6  # a message that lists more names than this is not read
NUMPY_SCALARS = frozenset(np.sctypeDict.values())


_forgiving: ContextVar[bool] = ContextVar("forgiving", default=False)


@contextlib.contextmanager
def forgiving() -> Iterator[None]:
    """Let every comparison pass, so that a test goes on after the first difference.

    For the grader, which collects what an answer's functions return in all calls of a test.
    """
    token = _forgiving.set(True)
    try:
        yield
    finally:
        _forgiving.reset(token)


def as_array(value: object) -> np.ndarray | None:
    """The value as a plain float64 array, or None when it is not made of plain real numbers.

    A list or tuple whose parts are of one shape counts as the array of its parts.
    """
    torch: Any = sys.modules.get("torch")
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        tensor = value.detach().cpu()  # type: ignore[attr-defined]
        if tensor.dtype == torch.bool or tensor.is_complex() or tensor.layout != torch.strided:
            return None
        return np.asarray(tensor.to(torch.float64).numpy(), dtype=np.float64)
    if type(value) is np.ndarray or type(value) in NUMPY_SCALARS:
        kept = np.asarray(value)
        return kept.astype(np.float64) if kept.dtype.kind in "iuf" else None
    if type(value) in (int, float):
        return np.asarray(_float(value))  # type: ignore[arg-type]
    if type(value) in (list, tuple):
        entries: Any = value
        if all(type(entry) in (int, float) for entry in entries):
            return np.array([_float(entry) for entry in entries], dtype=np.float64)
        parts = [as_array(entry) for entry in entries]
        if any(part is None or part.shape != parts[0].shape for part in parts):  # type: ignore[union-attr]
            return None
        return np.stack(parts)  # type: ignore[arg-type]
    return None


def _float(number: float) -> float:
    """As a float; an integer that is larger than any is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _kind(value: object) -> str:
    """A few words for what came back, e.g. 'a tensor of shape (3,)'."""
    name = type(value).__name__
    article = "an" if name[:1].lower() in "aeiou" else "a"
    torch: Any = sys.modules.get("torch")
    is_tensor = torch is not None and type(value) is torch.Tensor
    if is_tensor or type(value) is np.ndarray:
        noun = "a tensor" if is_tensor else "an array"
        return f"{noun} of shape {_shape_text(value.shape)}"  # type: ignore[attr-defined]
    if type(value) in (tuple, list):
        return f"{article} {name} of {len(value)}"  # type: ignore[arg-type]
    return f"{article} {name}"


def _shape_text(shape: Sequence[int]) -> str:
    return str(tuple(int(side) for side in shape))


def _fail(message: str | None, composed: str) -> AssertionError:
    return AssertionError(composed if message is None else message)


def _require(value: object, name: str, wanted: str, message: str | None) -> np.ndarray:
    if value is None:
        raise _fail(message, f"{name} returned None: did you forget the return?")
    array = as_array(value)
    if array is None:
        raise _fail(message, f"{name} returned {_kind(value)}; wanted {wanted}")
    return array


def check_tensor(
    value: object, shape: Sequence[int], name: str, *, message: str | None = None
) -> torch.Tensor:
    """Require finite numbers of the given shape and return them as a float64 tensor.

    A tensor, an array, a list or tuple of numbers or of any of these are the same here.

    Parameters
    ----------
    value : what the function returned.
    shape : the shape wanted.
    name : what to call it in the message, usually the function's name.
    message : if given, the only thing a failure says (hidden tests).

    Returns
    -------
    A new float64 tensor on the CPU; it shares no memory with ``value`` and has no gradient.

    Raises
    ------
    AssertionError : None, another type, another shape, NaN or infinity.
    """
    import torch

    wanted = f"a tensor of shape {_shape_text(shape)}"
    array = _require(value, name, wanted, message)
    if array.shape != tuple(shape):
        shaped = f"{name} returned a tensor of shape {array.shape}; wanted {_shape_text(shape)}"
        if type(value) in (list, tuple):
            shaped = f"{name} returned {_kind(value)}; wanted {wanted}"
        raise _fail(message, shaped)
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise _fail(
            message,
            f"{name} returned {bad} of {array.size} entries that are NaN or infinite: "
            "is there a division by zero or the root of a negative number?",
        )
    return torch.from_numpy(array.copy())


def check_number(value: object, name: str, *, message: str | None = None) -> float:
    """Require one finite real number (Python, NumPy, or a tensor with one entry); return a float.

    Raises
    ------
    AssertionError : None, another type, more than one entry, NaN or infinity.
    """
    array = _require(value, name, "one number", message)
    if array.size != 1:
        raise _fail(message, f"{name} returned {_kind(value)}; wanted one number")
    number = float(array.reshape(()))
    if not math.isfinite(number):
        raise _fail(message, f"{name} returned {number}; wanted a finite number")
    return number


def check_integer(value: object, name: str, *, message: str | None = None) -> int:
    """Require one whole number and return it as an int; 3.0 is accepted, 3.5 and True are not.

    Raises
    ------
    AssertionError : whatever :func:`check_number` refuses, or a fraction.
    """
    number = check_number(value, name, message=message)
    if number != round(number):
        raise _fail(message, f"{name} returned {number:g}; wanted a whole number")
    return int(number)


def check_tuple(
    value: object,
    parts: Sequence[str],
    name: str,
    *,
    wanted: str | None = None,
    message: str | None = None,
) -> tuple[object, ...]:
    """Require one entry for each name in ``parts`` and return them as a tuple.

    A tensor or array counts as the tuple of its rows.

    Parameters
    ----------
    value : what the function returned.
    parts : what to call the entries in the message; more than six are abbreviated.
    name : what to call the whole in the message, usually the function's name.
    wanted : said instead of the parts, e.g. "a list of 30 numbers".
    message : if given, the only thing a failure says (hidden tests).

    Raises
    ------
    AssertionError : None, another type, another length.
    """
    if wanted is None:
        named = parts if len(parts) <= PARTS_NAMED else [*parts[:2], "...", parts[-1]]
        wanted = f"the {len(parts)} values ({', '.join(named)})"
    if value is None:
        raise _fail(message, f"{name} returned None: did you forget the return?")
    torch: Any = sys.modules.get("torch")
    rows: Any = value
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        rows = list(value) if value.ndim else None  # type: ignore[call-overload, attr-defined]
    elif type(value) is np.ndarray:
        rows = list(value) if value.ndim else None
    elif type(value) not in (tuple, list):
        rows = None
    if rows is None or len(rows) != len(parts):
        raise _fail(message, f"{name} returned {_kind(value)}; wanted {wanted}")
    return tuple(rows)


def check_close(
    actual: object, expected: object, message: str, *, rtol: float = 1e-8, atol: float = 0.0
) -> None:
    """Require ``max |actual - expected| <= atol + rtol * max |expected|``.

    The tolerance is relative to the largest expected entry, not entry by entry: an entry that
    should be zero comes out as a rounding error of the size of its neighbours.

    Parameters
    ----------
    actual, expected : tensors, arrays or numbers of one shape.
    message : the author's sentence; a failure of any kind says this and nothing else.

    Raises
    ------
    AssertionError : not numbers, another shape, NaN, or further apart than the tolerance.
    ValueError : ``expected`` itself is not made of finite numbers (a mistake in the test).
    """
    if _forgiving.get():
        return
    target = as_array(expected)
    if target is None or not np.isfinite(target).all():
        raise ValueError(f"expected must be finite numbers, got {_kind(expected)}")
    array = as_array(actual)
    if array is None or array.shape != target.shape:
        raise AssertionError(message)
    if target.size == 0:
        return
    bound = atol + rtol * float(np.abs(target).max())
    # Written so that NaN fails: NaN <= bound is False.
    if not float(np.abs(array - target).max()) <= bound:
        raise AssertionError(message)


def check_not_close(
    actual: object, wrong: object, message: str, *, rtol: float = 1e-6, atol: float = 0.0
) -> None:
    """Recognise a known wrong answer: fail with ``message`` when ``actual`` is close to ``wrong``.

    For a visible test, before :func:`check_close`: the student reads which mistake was made instead
    of two numbers that differ. Anything that is not close to ``wrong`` passes.

    Raises
    ------
    AssertionError : ``actual`` agrees with ``wrong`` in the sense of :func:`check_close`.
    """
    if _forgiving.get():
        return
    try:
        check_close(actual, wrong, message, rtol=rtol, atol=atol)
    except AssertionError:
        return
    raise AssertionError(message)


def finite_difference_gradient(
    f: Callable[[torch.Tensor], object], x: torch.Tensor, *, step: float = 1e-3
) -> torch.Tensor:
    r"""Gradient of a real function by central differences.

    .. math::
        \frac{\partial f}{\partial x_i}
        \approx \frac{f(x + \epsilon e_i) - f(x - \epsilon e_i)}{2 \epsilon}

    Parameters
    ----------
    f : function from a float64 tensor of ``x``'s shape to one number.
    x : the point, any shape.
    step : epsilon, in the units of ``x``. A quadratic has no truncation error, so the step may be
        large; otherwise the error is of order ``step**2``.

    Returns
    -------
    float64 tensor of ``x``'s shape; 2 evaluations of ``f`` for each entry.
    """
    import torch

    if not (math.isfinite(step) and step > 0):
        raise ValueError(f"step must be a positive number, got {step}")
    start = x.detach().to(torch.float64).cpu()
    gradient = torch.zeros(start.numel(), dtype=torch.float64)
    for i in range(start.numel()):
        shift = torch.zeros(start.numel(), dtype=torch.float64)
        shift[i] = step
        ahead = check_number(f(start + shift.reshape(start.shape)), "f")
        behind = check_number(f(start - shift.reshape(start.shape)), "f")
        gradient[i] = (ahead - behind) / (2 * step)
    return gradient.reshape(start.shape)


class Gradients(NamedTuple):
    """What :func:`value_and_gradients` returns; all tensors are plain, without a graph."""

    value: torch.Tensor
    """What the function returned."""
    inputs: list[torch.Tensor | dict[str, torch.Tensor] | None]
    """For each argument: the gradient; of a module, a gradient for each parameter; else None."""
    parameters: dict[str, torch.Tensor]
    """The gradient of each parameter of the function itself, when it is a module."""


def value_and_gradients(
    function: Callable[..., object], *args: object, weights: torch.Tensor | None = None
) -> Gradients:
    r"""Value of a student's function and its gradients, taken where the function lives.

    .. math:: \nabla_{x} \; \sum_k w_k \, f_k(x)

    While work is graded, the function stands in another process and no autograd graph crosses; this
    asks that process for the numbers, which are then checked like any other answer. In a notebook
    it takes them here.

    Parameters
    ----------
    function : a function or module, from tensors to one tensor.
    args : its arguments; tensors of floating point numbers and modules are differentiated.
    weights : w, a tensor of the output's shape; None (w = 1) for a function with one number.

    Raises
    ------
    AssertionError : the function returned no tensor, more than one number without ``weights``, or
        a value that does not depend on what is differentiated through torch's operations.
    ArgumentChanged : it changed one of its arguments.
    """
    there = getattr(type(function), "_value_and_gradients", None)
    if there is not None:
        value, inputs, parameters = there(function, args, weights)
        return Gradients(value, inputs, parameters)
    called = Watched(function)
    found = gradients_here(called, args, weights)
    name = getattr(function, "__name__", type(function).__name__)
    raise_if_changed(called, name, len(args), {})
    return found


def gradients_here(
    watched: Watched, args: Sequence[object], weights: torch.Tensor | None
) -> Gradients:
    """As :func:`value_and_gradients`, of a function that stands in this process."""
    import torch

    function = watched.function
    leaves: list[torch.Tensor] = []
    called: list[object] = []
    for arg in args:
        if isinstance(arg, torch.Tensor) and arg.is_floating_point():
            arg = arg.detach().clone().requires_grad_()
            leaves.append(arg)
        elif isinstance(arg, torch.nn.Module):
            leaves += arg.parameters()
        called.append(arg)
    own = function if isinstance(function, torch.nn.Module) else torch.nn.Module()
    leaves += own.parameters()
    with torch.enable_grad():
        value = watched(*called)
        if not isinstance(value, torch.Tensor):
            raise AssertionError(f"the function returned {_kind(value)}; wanted a tensor")
        if weights is None and value.numel() != 1:
            raise AssertionError(
                f"the function returned {_kind(value)}; wanted one number to differentiate"
            )
        total = value.sum() if weights is None else (value * weights).sum()
    if not total.requires_grad:
        raise AssertionError(
            "the value has no gradient: was it detached, or made without torch's operations?"
        )
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    pairs = zip(leaves, found, strict=True)
    gradient = {id(x): torch.zeros_like(x) if g is None else g.detach() for x, g in pairs}

    def of(arg: object) -> torch.Tensor | dict[str, torch.Tensor] | None:
        if isinstance(arg, torch.nn.Module):
            return {name: gradient[id(p)] for name, p in arg.named_parameters()}
        return gradient.get(id(arg))

    own_gradients = {name: gradient[id(p)] for name, p in own.named_parameters()}
    return Gradients(value.detach(), [of(arg) for arg in called], own_gradients)


def grading_generator(salt: int) -> torch.Generator:
    """Random numbers for a hidden test: one stream for each (grading seed, salt).

    The grader may set the environment variable ``REPLEARN_GRADING_SEED`` to an integer >= 0, of any
    size, to give each submission inputs of its own; without it the seed is 0, so grading twice
    gives the same result. All bits of the seed count: ``torch.Generator.manual_seed`` would keep
    32 of them, few enough to try all.

    Raises
    ------
    ValueError : the variable is set and is not an integer >= 0.
    """
    import torch

    text = os.environ.get(SEED_VARIABLE, "0")
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if seed < 0:
        raise ValueError(f"{SEED_VARIABLE} must be an integer >= 0, got {text!r}")
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    # SeedSequence mixes the two, so neighbouring seeds and salts give unrelated streams.
    words = np.random.SeedSequence([seed, salt]).generate_state(_TWISTER_WORDS, np.uint32)
    state.numpy().view(np.uint64)[_TWISTER_START:][:_TWISTER_WORDS] = words
    generator.set_state(state)
    return generator
