"""The trusted side of a student's work: names and objects in another process, as if they were here.

A test cell runs here, beside the tests' secrets. What the student defined is reached through
:class:`Client`, and the only things that come back are plain values
(:mod:`gradekit.protocol.codec`), :class:`Remote` objects, which carry nothing but a number, and
exceptions that are made here. So the student's code decides what it answers and nothing else: it
holds no verdict and no object of the test's.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from gradekit.arguments import ArgumentChanged, snapshot, values_differ
from gradekit.protocol.codec import LIMITS, CodecError, Reference, decode, encode
from gradekit.protocol.framing import Closed, TooLate, TooLong, receive, send

EXCEPTIONS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        FloatingPointError,
        ImportError,
        IndexError,
        KeyError,
        LookupError,
        MemoryError,
        ModuleNotFoundError,
        NameError,
        NotImplementedError,
        OSError,
        OverflowError,
        PermissionError,
        RecursionError,
        RuntimeError,
        SyntaxError,
        TimeoutError,
        TypeError,
        UnboundLocalError,
        UnicodeError,
        ValueError,
        ZeroDivisionError,
    )
}
"""Exceptions of the student's that a test can catch by their kind, and a hidden test may name."""

_PIECE = 200_000  # characters of a cell in one string: in UTF-8 that is within the codec's limit
_TEXT = 2_000
_FILE_SECONDS = 60.0  # for one file, before any of the student's time runs


class StudentError(Exception):
    """The student's code raised: ``ename`` and ``evalue`` are its texts, not to be trusted."""

    ename = "Exception"
    evalue = ""
    changed: Mapping[Any, Any] = MappingProxyType({})  # arguments, by their places


class PlacingError(Exception):
    """A file could not be put where the student's code runs: no doing of that code's."""


class WorkerLost(BaseException):
    """There is no answer and won't be: the process died, took too long, or sent no value.

    Not an Exception, so that no test mistakes it for one of the student's.
    """

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how  # "died", "timed out" or "malformed"


_RAISED: dict[str, type[StudentError]] = {
    name: type(name, (StudentError, kind), {}) for name, kind in EXCEPTIONS.items()
}


@dataclass(frozen=True)
class Ran:
    """What came of a cell: nbformat-like outputs, and (name, text) of an exception or None."""

    outputs: list[Any]
    error: tuple[str, str] | None


_FIELDS_OF_REMOTE = ("_student", "_target", "_label", "_root")


class Remote:
    """An object that stays with the student: calls, attributes and iteration go there.

    ``type(...)`` of one carries the student's class name, so that a message reads as it would
    in one process.
    """

    _student: Client
    _target: Any
    _label: str  # how the test came to it; no word in it is the student's to choose
    _root: str  # the name that the test began with

    def __init__(self, student: Client, target: str | Reference, label: str, root: str) -> None:
        for name, value in zip(_FIELDS_OF_REMOTE, (student, target, label, root), strict=True):
            object.__setattr__(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object there; its answer as a plain value or another Remote."""
        return self._student.call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._student.get(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a test can't set attributes of the student's objects")

    def __iter__(self) -> Iterator[Any]:
        return iter(self._student.items(self))

    def _parts(self) -> list[Any] | None:
        """What a tuple of a class of its own holds; None of all else. For gradekit.checks."""
        return self._student.parts(self)

    def _value_and_gradients(self, args: tuple[Any, ...], weights: object) -> Any:
        return self._student.gradients(self, args, weights)

    def __bool__(self) -> bool:
        raise TypeError(f"wanted a plain value, got {_kind(self)}")

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"wanted a plain value to compare, got {_kind(self)}")

    __ne__ = __eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<the student's {type(self).__name__}>"

    def __reduce__(self) -> Any:
        raise TypeError("the student's objects can't be copied")


class Client:
    """One student's process, over its socket.

    Parameters
    ----------
    sock : connected to a :class:`gradekit.protocol.worker.Worker`.
    call_seconds : how long one call may take.
    """

    def __init__(self, sock: socket.socket, *, call_seconds: float) -> None:
        self._sock = sock
        self._call_seconds = call_seconds
        self._number = 0
        self._seed: bytes | None = None
        self._given: dict[int, str] = {}
        self._kinds: dict[str, type[Remote]] = {}
        self._origin = "", ""  # label and root of an object that comes now
        self._gone = ""
        self.deadline = float("inf")  # of the cell that runs now
        self.record: Callable[[str, object], None] | None = None
        self.in_place: Collection[str] = ()  # functions that are asked to change their arguments
        self.forgiving = False  # whether a changed argument is no fault, as values are collected

    def close(self) -> None:
        """Close the socket; the worker ends when it reads that."""
        self._sock.close()

    def register_given(self, namespace: Mapping[str, object]) -> None:
        """Functions and classes that stand on both sides, so a test may pass them by name.

        The first name of each: a later one may be a variable of a test, which only the tests have.
        """
        self._given = {}
        for name, value in namespace.items():
            if callable(value):
                self._given.setdefault(id(value), name)

    def put_files(self, files: Mapping[str, bytes]) -> None:
        """Put files into the working folder of a fresh process, by their relative paths.

        Raises
        ------
        PlacingError : one could not be written.
        """
        for path, content in files.items():
            array = np.frombuffer(content, dtype=np.uint8)
            match self._ask(["file", path, array], time.monotonic() + _FILE_SECONDS):
                case ["value", None, dict()]:
                    continue
                case ["raised", str() as name, str() as text]:
                    raise PlacingError(
                        f"{path} could not be put where the student's code runs "
                        f"({_word(name)}: {text[:_TEXT]})"
                    )
            raise self._lost("malformed")

    def run(self, source: str, seconds: float) -> Ran:
        """Run a cell of the student's."""
        pieces = [source[at : at + _PIECE] for at in range(0, len(source), _PIECE)]
        reply = self._ask(["run", pieces], min(self.deadline, time.monotonic() + seconds))
        match reply:
            case ["ran", list() as outputs, None]:
                return Ran(_plain_outputs(outputs), None)
            case ["ran", list() as outputs, [str() as name, str() as text]]:
                return Ran(_plain_outputs(outputs), (_word(name), text[:_TEXT]))
            case ["raised", str() as name, str() as text]:  # the shell itself was tampered with
                return Ran([], (_word(name), text[:_TEXT]))
        raise self._lost("malformed")

    def resolve_names(self, names: list[str]) -> dict[str, Any]:
        """The student's names, as a test sees them: values by value, all others as Remote.

        A name that the student does not define is there too; NameError comes when it is called.
        """
        self._seed = None  # a test draws the same whatever was drawn before it
        namespace: dict[str, Any] = {
            name: self._remote(name, "function", name, name) for name in names
        }
        match self._ask(["resolve", names], self._until()):
            case ["resolved", dict() as found]:
                for name, value in found.items():
                    if name in namespace and not isinstance(value, Remote):
                        namespace[name] = value
                return namespace
            case ["raised", *_]:  # a value that can't cross: leave it to the call
                return namespace
        raise self._lost("malformed")

    def output(self) -> list[Any]:
        """What the student's code printed since the last cell."""
        match self._ask(["output"], self._until()):
            case ["ran", list() as outputs, None]:
                return _plain_outputs(outputs)
            case ["raised", *_]:
                return []
        raise self._lost("malformed")

    def call(self, target: Remote, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the student's function; where it is asked to change arguments, they change here too.

        Raises
        ------
        ArgumentChanged : it changed one, and is not among those that are asked to.
        """
        self._pass_seed()
        self._origin = f"{target._label}()", target._root
        request = ["call", target, list(args), kwargs]
        return self._called(target, request, args, kwargs)

    def _called(
        self, target: Remote, request: list[Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """What a call answers or raises, unless it changed what it was given."""
        everything = [*args, *kwargs.values()]
        error: StudentError | None = None
        try:
            value, changed = self._request(request, str(target._target))
        except StudentError as raised:
            error, changed = raised, dict(raised.changed)
        for index, new in changed.items():
            if type(index) is not int or not 0 <= index < len(everything):
                raise self._lost("malformed")
            old = everything[index]
            if target._root in self.in_place or self.forgiving:
                if not _change(old, new):
                    raise self._lost("malformed")
            else:
                own = target._label
                raise ArgumentChanged(
                    f"what {own[:-2]} returned" if own.endswith("()") else own,
                    list(kwargs)[index - len(args)] if index >= len(args) else index,
                    gradient=not values_differ(new, snapshot(old)),
                    raised="" if error is None else _known(error.ename),
                )
        if error is not None:
            raise error
        return value

    def gradients(self, target: Remote, args: tuple[Any, ...], weights: object) -> Any:
        """What :func:`gradekit.checks.value_and_gradients` gives on the student's side."""
        self._pass_seed()
        request = ["gradients", target, list(args), weights]
        value = self._called(target, request, args, {})
        if type(value) is not list or len(value) != 3:
            raise self._lost("malformed")
        return value

    def get(self, target: Remote, attribute: str) -> Any:
        """An attribute of an object of the student's."""
        self._origin = f"{target._label}.{attribute}", target._root
        return self._request(["get", target, attribute], attribute)[0]

    def items(self, target: Remote) -> list[Any]:
        """All that an object of the student's iterates over."""
        self._origin = target._label, target._root
        found = self._request(["items", target], "items")[0]
        if type(found) is not list:
            raise self._lost("malformed")
        return found

    def parts(self, target: Remote) -> list[Any] | None:
        """What a tuple of a class of its own holds; None when the object is no tuple."""
        self._origin = target._label, target._root
        found = self._request(["parts", target], "parts")[0]
        return found if type(found) is list else None

    def _request(self, request: list[Any], label: str) -> tuple[Any, dict[Any, Any]]:
        reply = self._ask(request, self._until())
        match reply:
            case ["value", value, dict() as changed]:
                if self.record:
                    self.record(label, [value, changed] if changed else value)
                return value, changed
            case ["raised", str() as name, str() as text, *more] if len(more) < 2:
                if self.record:
                    self.record(label, StudentError(_word(name)))
                error = _exception(_word(name), text[:_TEXT])
                if more and type(more[0]) is not dict:
                    raise self._lost("malformed")
                error.changed = dict(more[0]) if more else {}
                raise error
        raise self._lost("malformed")

    def _pass_seed(self) -> None:
        """The student draws from the state of the test's generator, as in one process."""
        torch = sys.modules.get("torch")
        if torch is None:
            return
        state = torch.get_rng_state()
        code = state.numpy().tobytes()
        if code != self._seed:
            self._seed = code
            self._ask(["seed", state], self._until())

    def enter_branch(self) -> None:
        """Have what follows run in a copy of the process, until it is left: for answers of ours."""
        self._expect_nothing(["enter_branch"])

    def leave_branch(self) -> None:
        """Return to the process as it was when the branch was entered."""
        self._expect_nothing(["leave_branch"])

    def _expect_nothing(self, request: list[Any]) -> None:
        if self._ask(request, self._until()) != ["value", None, {}]:
            raise self._lost("malformed")

    def _until(self) -> float:
        return min(self.deadline, time.monotonic() + self._call_seconds)

    def _ask(self, request: list[Any], deadline: float) -> list[Any]:
        if self._gone:
            raise WorkerLost(self._gone)
        self._number += 1
        try:
            data = encode([self._number, *request], opaque=self._opaque, generators=True)
        except CodecError as error:
            raise TypeError(f"a test can't pass this to the student's code: {error}") from error
        try:
            send(self._sock, data, deadline=deadline)
            data = receive(self._sock, limit=LIMITS.size, deadline=deadline)
            reply = decode(data, resolve=self._resolve)
        except TooLate:
            raise self._lost("timed out") from None
        except (Closed, OSError):
            raise self._lost("died") from None
        except (TooLong, CodecError):
            raise self._lost("malformed") from None
        if (
            type(reply) is not list
            or [type(part) for part in reply[:2]] != [int, str]
            or reply[0] != self._number
        ):
            raise self._lost("malformed")
        return reply[1:]

    def _lost(self, how: str) -> WorkerLost:
        """The stream may stand anywhere: nothing more is read from it."""
        self._gone = how
        self._sock.close()
        return WorkerLost(how)

    def _opaque(self, value: object) -> Reference:
        if isinstance(value, Remote):
            if value._student is not self:
                raise CodecError("an object of a process that is gone")
            target = value._target
            return Reference("given", 0, target, True) if type(target) is str else target
        if id(value) in self._given:
            return Reference("given", 0, self._given[id(value)], True)
        raise CodecError(f"{type(value).__name__} is no value that crosses")

    def _resolve(self, reference: Reference) -> object:
        if reference.kind != "object":
            raise CodecError("a student's process gives no names")
        return self._remote(reference, _word(reference.name), *self._origin)

    def _remote(self, target: str | Reference, word: str, label: str, root: str) -> Remote:
        if word not in self._kinds:
            if len(self._kinds) >= 1_000:
                word = "object"
            self._kinds[word] = type(word, (Remote,), {})
        return self._kinds[word](self, target, label, root)


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _word(name: str) -> str:
    return name[:80] if name.isidentifier() else "object"


def _known(name: str) -> str:
    """The name of an exception as a hidden test may say it: others could carry its values."""
    return name if name in EXCEPTIONS else "an exception"


def _exception(name: str, text: str) -> StudentError:
    kind = _RAISED.get(name, StudentError)
    error = kind(text)
    error.ename, error.evalue = name, text
    return error


def _change(old: Any, new: Any) -> bool:
    """Bring an argument into the state it has on the other side; False when that can't be.

    What is inside stays the same object wherever it can, as with a change made here.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(old, torch.Tensor):
        return type(new) is torch.Tensor and _change_tensor(old, new)
    if type(old) is not type(new):
        return False
    if type(old) is list or type(old) is tuple:
        merged = [_merged(*pair) for pair in zip(old, new, strict=False)]
        merged += new[len(old) :]
        if type(old) is list:
            old[:] = merged
    elif type(old) is dict:
        pairs = {key: _merged(old[key], new[key]) if key in old else new[key] for key in new}
        old.clear()
        old.update(pairs)
    elif type(old) is np.ndarray:
        if old.dtype != new.dtype or old.shape != new.shape or not old.flags.writeable:
            return False
        old[...] = new
    return True


def _merged(old: Any, new: Any) -> Any:
    """The old object, changed, if it can be that of the new one."""
    mutable = isinstance(old, list | tuple | dict | np.ndarray) or hasattr(old, "untyped_storage")
    return old if mutable and _change(old, new) else new


def _change_tensor(old: Any, new: Any) -> bool:
    if old.dtype != new.dtype:
        return False
    if old.shape == new.shape:
        try:
            old.data.copy_(new)
            return True
        except RuntimeError:  # several of its elements are one in memory
            pass
    old.data = new
    return True


_OUTPUT_TEXT = 1_000_000  # characters kept of the outputs of one cell
_OUTPUTS = 200
_FIELDS = ("output_type", "name", "text", "ename", "evalue")


def _plain_outputs(outputs: list[Any]) -> list[dict[str, Any]]:
    """Outputs made anew: a few fields of plain text, no more of it than an honest worker sends."""
    left = _OUTPUT_TEXT

    def text(value: object) -> str:
        nonlocal left
        kept = value[: max(left, 0)] if type(value) is str else ""
        left -= len(kept)
        return kept

    made = []
    for output in outputs[:_OUTPUTS]:
        if type(output) is not dict:
            continue
        one: dict[str, Any] = {key: text(output[key]) for key in _FIELDS if key in output}
        lines, data = output.get("traceback"), output.get("data")
        if type(lines) is list:
            one["traceback"] = [text(line) for line in lines[:_OUTPUTS]]
        if type(data) is dict:
            pairs = list(data.items())[:20]
            one["data"] = {k[:80]: text(v) for k, v in pairs if type(k) is str and type(v) is str}
        made.append(one)
    return made
