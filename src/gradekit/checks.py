"""Checks for the tests inside assignments: messages that teach, comparison by value.

Every check takes what a student's function returned, refuses anything that is not plain numbers,
and compares as NumPy float64. The type is compared exactly (``type(value) is torch.Tensor``),
because a subclass may carry its own ``__eq__``, and a test must not ask the answer whether it is
right. Tuples are the exception: a namedtuple or what `torch.linalg.eigh` returns counts as the
tuple of its parts. torch is imported where a tensor is made; where nothing else has loaded it, no
value is one.

Where one number is wanted, whatever has one entry is that number: 3.0, [3], a tensor of shape () or
(1,). Where a shape is wanted, the shape counts.

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
MAX_NESTED = 32  # lists in one another, as many as cross between two processes
_HOLDS = {
    "b": "truth values",
    "c": "complex numbers",
    "O": "Python objects",
    "U": "texts",
    "S": "bytes",
    "M": "dates",
    "m": "times",
    "V": "records",
}


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
    return _as_array(value, ())


def _as_array(value: object, inside: tuple[int, ...]) -> np.ndarray | None:
    """``inside`` are the ids of the lists that the value stands in."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        if any(_not_plain(value)):
            return None
        tensor = value.detach().cpu()  # type: ignore[attr-defined]
        return np.asarray(tensor.to(torch.float64).numpy(), dtype=np.float64)
    if type(value) is np.ndarray or type(value) in NUMPY_SCALARS:
        kept = np.asarray(value)
        if kept.dtype.kind not in "iuf":
            return None
        with np.errstate(over="ignore"):  # a longdouble may be larger than any float64
            return kept.astype(np.float64)
    if type(value) in (int, float):
        return np.asarray(_float(value))  # type: ignore[arg-type]
    entries = _entries(value)
    if entries is None or id(value) in inside or len(inside) >= MAX_NESTED:
        return None
    if all(type(entry) in (int, float) for entry in entries):
        return np.array([_float(entry) for entry in entries], dtype=np.float64)
    parts: list[np.ndarray] = []
    for entry in entries:
        part = _as_array(entry, (*inside, id(value)))
        if part is None or part.ndim >= MAX_NESTED or (parts and part.shape != parts[0].shape):
            return None
        parts.append(part)
    return np.stack(parts)


def _entries(value: object) -> tuple[Any, ...] | None:
    """What a list or any kind of tuple holds, None of all else; the value itself is not asked."""
    if type(value) is list:
        return tuple(value)
    if issubclass(type(value), tuple):
        return tuple(tuple.__iter__(value))  # type: ignore[arg-type]
    return None


def _here(value: object) -> object:
    """The tuple of a namedtuple that stands in the student's process; all else as it is."""
    there = getattr(type(value), "_parts", None)
    parts = None if there is None or _entries(value) is not None else there(value)
    return value if parts is None else tuple(parts)


def _not_plain(tensor: Any) -> tuple[str, str]:
    """Words before and behind 'tensor' for one that is not made of real numbers, else empty."""
    import torch

    if tensor.is_nested:
        return "nested ", ""
    if tensor.layout != torch.strided:
        return "sparse " if "sparse" in str(tensor.layout) else "packed ", ""
    if tensor.is_quantized:
        return "quantised ", ""
    if tensor.device.type == "meta":
        return "", " on the meta device, which holds no numbers"
    if tensor.dtype == torch.bool:
        return "", " of truth values"
    return "", " of complex numbers" if tensor.is_complex() else ""


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
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        before, behind = _not_plain(value)
        if value.is_nested:  # type: ignore[attr-defined]
            return "a nested tensor"  # it has no one shape
        return f"a {before}tensor of shape {_shape_text(value.shape)}{behind}"  # type: ignore[attr-defined]
    if type(value) is np.ndarray:
        kind = value.dtype.kind
        behind = "" if kind in "iuf" else f" of {_HOLDS.get(kind, value.dtype.name)}"
        return f"an array of shape {_shape_text(value.shape)}{behind}"
    if type(value) in (int, float):
        return "a number"
    if type(value) in NUMPY_SCALARS or type(value) is complex:
        kind = np.asarray(value).dtype.kind
        return {"i": "a number", "u": "a number", "f": "a number", "c": "a complex number"}.get(
            kind, f"{article} {name}"
        )
    if value is None:
        return "None"
    entries = _entries(value)
    if entries is None and name in ("Tensor", "Parameter"):
        # It stands in the student's process, because it is of no kind that crosses.
        return "a tensor of a rare kind, as sparse ones are"
    if entries is None:
        return f"{article} {name}"
    return f"a {'list' if type(value) is list else 'tuple'} of {len(entries)}"


def _what_is_wrong(value: object) -> str:
    """The same for what is not made of numbers, with the reason where it is a list or tuple."""
    found, reason = _kind(value), _reason(value, ())
    return f"{found}, {reason}" if reason else found


def _reason(value: object, inside: tuple[int, ...]) -> str:
    """Why a list or tuple is no array; empty for all else."""
    entries = _entries(value)
    if entries is None:
        return ""
    if id(value) in inside:
        return "in which a list holds itself"
    if len(inside) >= MAX_NESTED:
        return f"nested more than {MAX_NESTED} deep"
    parts = []
    for entry in entries:
        part = _as_array(entry, (*inside, id(value)))
        if part is None and _entries(entry) is None:
            return f"not all of them numbers (one is {_kind(entry)})"
        if part is None:
            return _reason(entry, (*inside, id(value)))
        parts.append(part)
    if any(part.shape != parts[0].shape for part in parts):
        return "its parts of different shapes"
    return f"nested more than {MAX_NESTED} deep"


def _shape_text(shape: Sequence[int]) -> str:
    return str(tuple(int(side) for side in shape))


def _fail(message: str | None, composed: str) -> AssertionError:
    return AssertionError(composed if message is None else message)


def _require(
    value: object, name: str, wanted: str, message: str | None
) -> tuple[object, np.ndarray]:
    """The value as it is here, and as an array."""
    value = _here(value)
    if value is None:
        raise _fail(message, f"{name} returned None: did you forget the return?")
    array = as_array(value)
    if array is None:
        raise _fail(message, f"{name} returned {_what_is_wrong(value)}; wanted {wanted}")
    return value, array


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
    value, array = _require(value, name, wanted, message)
    if array.shape != tuple(shape):
        shaped = f"{name} returned {_kind(value)}; wanted {wanted}"
        if type(value) is torch.Tensor:
            shaped = f"{name} returned {_kind(value)}; wanted {_shape_text(shape)}"
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
    """Require one finite real number and return it as a float.

    A number of Python's or NumPy's, or whatever has one entry: a tensor, an array, a list.

    Raises
    ------
    AssertionError : None, another type, more than one entry, NaN or infinity.
    """
    value, array = _require(value, name, "one number", message)
    if array.size != 1:
        raise _fail(message, f"{name} returned {_kind(value)}; wanted one number")
    number = float(array.reshape(()))
    if not math.isfinite(number):
        raise _fail(message, f"{name} returned {number}; wanted a finite number")
    return number


def check_integer(value: object, name: str, *, message: str | None = None) -> int:
    """Require one whole number and return it as an int; 3.0 is accepted, 3.5 and True are not.

    An integer comes back with all its digits, however many.

    Raises
    ------
    AssertionError : whatever :func:`check_number` refuses, or a fraction.
    """
    exact = _exact_integer(value)
    if exact is not None:
        return exact
    number = check_number(value, name, message=message)
    if number != round(number):
        # All digits: 2.9999999999 rounded for the message would read as the 3 that was wanted.
        raise _fail(message, f"{name} returned {number!r}; wanted a whole number")
    return int(number)


def _exact_integer(value: object) -> int | None:
    """One integer that never was a float, which holds no more than 53 bits; else None."""
    if type(value) is int:
        return value
    array = as_array(value)
    if array is None or array.size != 1:
        return None
    entries = _entries(value)
    if entries is not None:
        return _exact_integer(entries[0])
    torch: Any = sys.modules.get("torch")
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        value = value.item()  # type: ignore[attr-defined]
        return value if type(value) is int else None
    kept = np.asarray(value)
    return int(kept.reshape(())) if kept.dtype.kind in "iu" else None


def check_tuple(
    value: object,
    parts: Sequence[str],
    name: str,
    *,
    wanted: str | None = None,
    message: str | None = None,
) -> tuple[object, ...]:
    """Require one entry for each name in ``parts`` and return them as a tuple.

    A tensor or array counts as the tuple of its rows, and any kind of tuple as that of its parts:
    a namedtuple, what `torch.linalg.eigh` returns, a shape.

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
    value = _here(value)
    torch: Any = sys.modules.get("torch")
    rows: Any = _entries(value)
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        before, _ = _not_plain(value)  # the rows of a sparse tensor are sparse
        rows = list(value) if not before and value.ndim else None  # type: ignore[call-overload, attr-defined]
    elif type(value) is np.ndarray:
        rows = list(value) if value.ndim else None
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
    actual, expected : tensors, arrays or numbers of one shape; where one number is expected,
        whatever has one entry is that number, as for :func:`check_number`.
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
    array = as_array(_here(actual))
    if array is not None and array.size == 1 and target.ndim == 0:
        array = array.reshape(())
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
