"""The closed, typed code in which values cross between a student's process and the tests'.

One tag byte, then the value; lengths, counts, sides and ids are big-endian, numbers of arrays and
tensors little-endian.  Both ends keep the same :class:`MessageLimits`.  Each value has exactly one
code, so ``encode(decode(data)) == data`` for all data that :func:`decode` accepts, and nothing in
the bytes is ever looked up, imported or called: a decoder knows its tags and nothing else.

Types are compared exactly.  A subclass may carry its own ``__eq__`` or ``__array__``, so it never
passes for its base: it crosses as a :class:`Reference`, like every other object.
"""

from __future__ import annotations

import functools
import math
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["LIMITS", "CodecError", "MessageLimits", "Reference", "decode", "encode"]


class CodecError(ValueError):
    """A value that may not cross, or bytes that are no value."""


@dataclass(frozen=True)
class MessageLimits:
    """What one message may hold, counted alike by both ends."""

    depth: int = 32
    """Containers inside one another."""
    items: int = 1_000_000
    """Values in all: containers, what they hold, and keys; arrays and objects count as ten."""
    size: int = 64 * 2**20
    """Bytes of the whole message."""
    text: int = 1_000_000
    """Bytes of one string in UTF-8."""
    bits: int = 4096
    """Bits of one integer."""


LIMITS = MessageLimits()


@dataclass(frozen=True)
class Reference:
    """Stands for an object that stays where it is."""

    kind: str
    """``"object"``: the id-th object kept by the sender; ``"given"``: a given name."""
    id: int
    """From 0 up, below 2^63."""
    name: str
    """The object's type, or the given name: identifier characters and dots, 1 to 80 of them."""
    callable: bool


KINDS = ("object", "given")
NAME_LENGTH = 80
MAX_NDIM = 16
MAX_SIDE = 2**31 - 1
# Zero-size shapes pass any comparison with the bytes there, so their other sides are bounded as
# well: NumPy and torch multiply those as 64-bit integers.
MAX_EXTENT = 2**56
# An empty tensor takes ten bytes of a message and half a kilobyte of memory.
HEAVY = 10
# Python's hashes of numbers and tuples are known, so keys can be made that all collide, and a
# dictionary of n of them takes n^2 / 2 comparisons.  Strings hash with a secret of the process.
MAX_PLAIN_KEYS = 10_000
MAX_KEY_BITS = 64

# The letter that names a dtype in the code, of arrays, NumPy scalars and tensors.
DTYPES: dict[bytes, np.dtype[Any]] = {
    b"?": np.dtype(np.bool_),
    b"b": np.dtype(np.int8),
    b"h": np.dtype(np.int16),
    b"i": np.dtype(np.int32),
    b"q": np.dtype(np.int64),
    b"B": np.dtype(np.uint8),
    b"H": np.dtype(np.uint16),
    b"I": np.dtype(np.uint32),
    b"Q": np.dtype(np.uint64),
    b"e": np.dtype(np.float16),
    b"f": np.dtype(np.float32),
    b"d": np.dtype(np.float64),
    b"F": np.dtype(np.complex64),
    b"D": np.dtype(np.complex128),
}
LETTERS = {dtype: letter for letter, dtype in DTYPES.items()}


def _letter(dtype: np.dtype[Any]) -> bytes | None:
    """The dtype's letter whatever its byte order, None for one that may not cross."""
    # Not all other kinds of dtype have a byte order to ask for.
    return LETTERS.get(dtype.newbyteorder("=")) if dtype.kind in "biufc" else None


# A C type may have two NumPy names (long long and long); the second has the first's letter.
SCALARS = frozenset(
    scalar for scalar in np.sctypeDict.values() if _letter(np.dtype(scalar)) is not None
)
BFLOAT16 = b"g"  # no NumPy dtype; its bits travel as int16
TORCH_DTYPES = {
    b"?": "bool",
    b"B": "uint8",
    b"b": "int8",
    b"h": "int16",
    b"i": "int32",
    b"q": "int64",
    b"e": "float16",
    BFLOAT16: "bfloat16",
    b"f": "float32",
    b"d": "float64",
    b"F": "complex64",
    b"D": "complex128",
}

_NONE, _TRUE, _FALSE, _INT, _FLOAT, _STR = b"N", b"T", b"F", b"i", b"f", b"s"
_LIST, _TUPLE, _DICT = b"l", b"t", b"d"
_SCALAR, _ARRAY, _TENSOR, _GENERATOR, _REFERENCE = b"n", b"a", b"x", b"g", b"r"

# The state of torch's CPU generator (a 32-bit Mersenne Twister in 64-bit words): seed, left,
# seeded, next, 624 words, three doubles, a flag and padding, a float, a flag and padding.
_STATE = struct.Struct("<Qiiq624Q3di4xf?3x")
_WORDS = 624


def encode(
    value: object,
    *,
    opaque: Callable[[object], Reference] | None = None,
    generators: bool = False,
    limits: MessageLimits = LIMITS,
) -> bytes:
    """Return the code of a value.

    Parameters
    ----------
    value : None, bool, int, float, str, list, tuple, dict (keys: None, bool, int, float, str and
        tuples of those; an OrderedDict is sent as a dict), NumPy scalars and arrays, tensors and
        parameters on the CPU (strided; sent without their graph), of exactly these types.
    opaque : called for every other object; the reference that it returns is sent in its place.
    generators : whether torch generators on the CPU are sent by their state.
    limits : what the message may hold.

    Raises
    ------
    CodecError
        A limit is exceeded, a key is of another type, or, without ``opaque``, any other object.
    """
    writer = _Writer(opaque, generators, limits)
    try:
        writer.value(value, 0)
    except RecursionError as error:
        raise CodecError("the value is nested too deeply to be sent") from error
    return bytes(writer.out)


def decode(
    data: bytes,
    *,
    resolve: Callable[[Reference], object] | None = None,
    generators: bool = False,
    limits: MessageLimits = LIMITS,
) -> object:
    """Return the value of a code: equal, of equal type, with memory of its own.

    Parameters
    ----------
    data : what :func:`encode` returned, or anything at all.
    resolve : called for every reference; what it returns stands in its place (and what it raises
        passes through).
    generators : whether generators are accepted.
    limits : what the message may hold.

    Raises
    ------
    CodecError
        The bytes are not exactly the code of one value within the limits.
    """
    if len(data) > limits.size:
        raise CodecError(f"the message has {len(data)} bytes; at most {limits.size} are taken")
    reader = _Reader(data, resolve, generators, limits)
    try:
        value = reader.value(0)
    except RecursionError as error:
        raise CodecError("the message is nested too deeply") from error
    if reader.left():
        raise CodecError(f"the message has {reader.left()} bytes after its value")
    return value


class _Counter:
    """What both ends count."""

    def __init__(self, limits: MessageLimits) -> None:
        self.limits = limits
        self.items = 0
        self.plain_keys = 0

    def count(self, items: int) -> None:
        self.items += items
        if self.items > self.limits.items:
            raise CodecError(f"more than {self.limits.items} values in one message")

    def enter(self, depth: int) -> int:
        if depth >= self.limits.depth:
            raise CodecError(f"containers are nested more than {self.limits.depth} deep")
        return depth + 1

    def plain_key(self) -> None:
        self.plain_keys += 1
        if self.plain_keys > MAX_PLAIN_KEYS:
            raise CodecError(f"more than {MAX_PLAIN_KEYS} dictionary keys that are not strings")

    def check_key(self, key: object) -> None:
        if type(key) is int and key.bit_length() > MAX_KEY_BITS:
            raise CodecError(f"an integer among the keys has more than {MAX_KEY_BITS} bits")

    def check_bits(self, bits: int) -> None:
        if bits > self.limits.bits:
            raise CodecError(f"an integer has more than {self.limits.bits} bits")

    def check_text(self, length: int) -> None:
        if length > self.limits.text:
            raise CodecError(f"a string has {length} bytes; at most {self.limits.text} are taken")


def _check_shape(shape: Sequence[int], itemsize: int) -> int:
    """The bytes that an array of this shape takes."""
    if len(shape) > MAX_NDIM:
        raise CodecError(f"an array has {len(shape)} dimensions; at most {MAX_NDIM} are taken")
    if any(side > MAX_SIDE for side in shape):
        raise CodecError(f"a side of an array is longer than {MAX_SIDE}")
    if math.prod(max(side, 1) for side in shape) * itemsize > MAX_EXTENT:
        raise CodecError("an array's shape is too large")
    return math.prod(shape) * itemsize


def _in_name(character: str) -> bool:
    return character == "." or ("_" + character).isidentifier()


def _readable(name: str) -> str:
    """The name with all but identifier characters and dots replaced, cut to its length."""
    kept = name[:NAME_LENGTH]
    return "".join(c if _in_name(c) else "_" for c in kept) or "_"


class _Writer(_Counter):
    def __init__(
        self, opaque: Callable[[object], Reference] | None, generators: bool, limits: MessageLimits
    ) -> None:
        super().__init__(limits)
        self.opaque = opaque
        self.generators = generators
        self.out = bytearray()

    def reserve(self, length: int) -> None:
        """Refuse before memory is taken for it."""
        if len(self.out) + length > self.limits.size:
            raise CodecError(f"the value takes more than {self.limits.size} bytes")

    def put(self, *parts: bytes) -> None:
        self.reserve(sum(map(len, parts)))
        for part in parts:
            self.out += part

    def value(self, value: object, depth: int) -> None:
        if self.atom(value):
            return
        self.count(1)
        kind = type(value)
        if kind is list or kind is tuple:
            self.sequence(value, depth)  # type: ignore[arg-type]
        elif kind is dict or kind is OrderedDict:
            self.dictionary(value, depth)  # type: ignore[arg-type]
        elif kind is np.ndarray:
            self.array(value)  # type: ignore[arg-type]
        elif kind in SCALARS:
            self.scalar(np.asarray(value))
        else:
            self.of_torch(value)

    def atom(self, value: object) -> bool:
        """Write what may be a key or part of one; False for anything else."""
        kind = type(value)
        if value is None:
            self.put(_NONE)
        elif kind is bool:
            self.put(_TRUE if value else _FALSE)
        elif kind is int:
            bits = value.bit_length()  # type: ignore[attr-defined]
            self.check_bits(bits)
            digits = value.to_bytes(bits // 8 + 1, "big", signed=True)  # type: ignore[attr-defined]
            self.put(_INT, _count(len(digits)), digits)
        elif kind is float:
            self.put(_FLOAT, struct.pack(">d", value))
        elif kind is str:
            self.check_text(len(value))  # type: ignore[arg-type]
            text = value.encode("utf-8", "replace")  # type: ignore[attr-defined]
            self.check_text(len(text))
            self.put(_STR, _count(len(text)), text)
        else:
            return False
        self.count(1)
        return True

    def sequence(self, value: list[object] | tuple[object, ...], depth: int) -> None:
        depth = self.enter(depth)
        # A copy: ``opaque`` may run a student's code, which may change the list.
        items = tuple(value)
        self.put(_LIST if type(value) is list else _TUPLE, _count(len(items)))
        for item in items:
            self.value(item, depth)

    def dictionary(self, value: dict[object, object], depth: int) -> None:
        depth = self.enter(depth)
        items = tuple(value.items())
        self.put(_DICT, _count(len(items)))
        for key, item in items:
            self.key(key, depth)
            self.value(item, depth)

    def key(self, key: object, depth: int) -> None:
        if type(key) is not str:
            self.plain_key()
            self.check_key(key)
        if type(key) is tuple:
            self.count(1)
            depth = self.enter(depth)
            self.put(_TUPLE, _count(len(key)))
            for part in key:
                self.key(part, depth)
        elif not self.atom(key):
            raise CodecError(
                f"a dictionary has a key of type {_type_name(key)}; keys are None, bool, int, "
                "float, str or tuples of those"
            )

    def scalar(self, value: np.ndarray[Any, Any]) -> None:
        letter = LETTERS[value.dtype]
        self.put(_SCALAR, letter, _plain_array(value, letter).tobytes())

    def array(self, value: np.ndarray[Any, Any]) -> None:
        letter = _letter(value.dtype)
        if letter is None:
            self.reference(value)
            return
        self.count(HEAVY - 1)
        self.reserve(_check_shape(value.shape, value.itemsize))
        array = _plain_array(value, letter)
        self.put(_ARRAY, letter, _shape(value.shape), array.tobytes())

    def of_torch(self, value: Any) -> None:
        torch: Any = sys.modules.get("torch")
        if torch is None:
            self.reference(value)
        elif type(value) in (torch.Tensor, torch.nn.Parameter):
            self.tensor(torch, value)
        elif self.generators and type(value) is torch.Generator and value.device.type == "cpu":
            self.count(HEAVY - 1)
            self.put(_GENERATOR, value.get_state().numpy().tobytes())
        else:
            self.reference(value)

    def tensor(self, torch: Any, value: Any) -> None:
        letter = _torch_letters().get(value.dtype)
        if (
            letter is None
            or value.device.type != "cpu"
            or value.layout is not torch.strided
            or value.is_nested
        ):
            self.reference(value)
            return
        shape = tuple(value.shape)
        self.reserve(_check_shape(shape, value.element_size()))
        try:
            plain = value.detach().resolve_conj().resolve_neg().contiguous()
            plain = plain.view(torch.int16) if letter == BFLOAT16 else plain
            array = _plain_array(plain.numpy(), letter)
        except RuntimeError:  # a wrapper of torch.func, which has no memory of its own
            self.reference(value)
            return
        self.count(HEAVY - 1)
        self.put(_TENSOR, letter, _shape(shape), array.tobytes())

    def reference(self, value: object) -> None:
        if self.opaque is None:
            raise CodecError(f"a value of type {_type_name(value)} cannot be sent")
        reference = self.opaque(value)
        if reference.kind not in KINDS or not 0 <= reference.id < 2**63:
            raise CodecError(f"no reference of kind {reference.kind!r} and id {reference.id}")
        name = _readable(reference.name).encode()
        self.count(HEAVY - 1)
        self.put(
            _REFERENCE,
            bytes([KINDS.index(reference.kind), reference.callable]),
            struct.pack(">QI", reference.id, len(name)),
            name,
        )


class _Reader(_Counter):
    def __init__(
        self,
        data: bytes,
        resolve: Callable[[Reference], object] | None,
        generators: bool,
        limits: MessageLimits,
    ) -> None:
        super().__init__(limits)
        self.data = memoryview(data)
        self.at = 0
        self.resolve = resolve
        self.generators = generators

    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, length: int) -> memoryview:
        if length > self.left():
            raise CodecError("the message ends in the middle of a value")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def flag(self) -> bool:
        byte = self.take(1)[0]
        if byte > 1:
            raise CodecError("a flag is neither 0 nor 1")
        return byte == 1

    def value(self, depth: int) -> object:
        self.count(1)
        tag = bytes(self.take(1))
        read = _READERS.get(tag)
        if read is None:
            raise CodecError("a value begins with an unknown tag")
        return read(self, depth)

    def integer(self, depth: int) -> int:
        length = self.number()
        if length > self.limits.bits // 8 + 1:
            raise CodecError(f"an integer has more than {self.limits.bits} bits")
        number = int.from_bytes(self.take(length), "big", signed=True)
        self.check_bits(number.bit_length())
        if length != number.bit_length() // 8 + 1:
            raise CodecError("an integer is not written in its own number of bytes")
        return number

    def real(self, depth: int) -> float:
        return float(struct.unpack(">d", self.take(8))[0])

    def text(self, depth: int) -> str:
        length = self.number()
        self.check_text(length)
        return self.utf8(length)

    def utf8(self, length: int) -> str:
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise CodecError("a string is not UTF-8") from error

    def length(self, bytes_each: int) -> int:
        """The announced number of items, refused at once if the bytes cannot hold them."""
        length = self.number()
        if length * bytes_each > self.left():
            raise CodecError("the message ends in the middle of a value")
        return length

    def sequence(self, depth: int) -> list[object]:
        depth = self.enter(depth)
        return [self.value(depth) for _ in range(self.length(1))]

    def dictionary(self, depth: int) -> dict[object, object]:
        depth = self.enter(depth)
        length = self.length(2)
        made: dict[object, object] = {}
        for _ in range(length):
            key = self.key(depth)
            made[key] = self.value(depth)
        if len(made) != length:
            raise CodecError("a dictionary has the same key twice")
        return made

    def key(self, depth: int) -> object:
        self.count(1)
        tag = bytes(self.take(1))
        if tag != _STR:
            self.plain_key()
        if tag == _TUPLE:
            depth = self.enter(depth)
            return tuple([self.key(depth) for _ in range(self.length(1))])
        if tag not in _KEYS:
            raise CodecError("a dictionary has a key of a type that is no key")
        key = _READERS[tag](self, depth)
        self.check_key(key)
        return key

    def plain(self, letter: bytes, count: int) -> np.ndarray[Any, Any]:
        """So many numbers, in memory of their own."""
        dtype = _dtype(letter)
        raw = self.take(count * dtype.itemsize)
        if letter == b"?" and raw.nbytes and np.frombuffer(raw, np.uint8).max() > 1:
            raise CodecError("a truth value is neither 0 nor 1")
        return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)

    def scalar(self, depth: int) -> object:
        letter = bytes(self.take(1))
        if letter not in DTYPES:
            raise CodecError("a number has an unknown dtype")
        return self.plain(letter, 1)[0]

    def block(self, known: Sequence[bytes]) -> tuple[bytes, tuple[int, ...], np.ndarray[Any, Any]]:
        """The dtype's letter, the shape and the numbers of an array or a tensor."""
        self.count(HEAVY - 1)
        letter = bytes(self.take(1))
        if letter not in known:
            raise CodecError("an array has a dtype that is not taken")
        ndim = self.take(1)[0]
        shape = struct.unpack(f">{ndim}Q", self.take(8 * ndim))
        if _check_shape(shape, _dtype(letter).itemsize) > self.left():
            raise CodecError("the message ends in the middle of an array")
        return letter, shape, self.plain(letter, math.prod(shape))

    def array(self, depth: int) -> np.ndarray[Any, Any]:
        _, shape, numbers = self.block(tuple(DTYPES))
        return numbers.reshape(shape)

    def tensor(self, depth: int) -> torch.Tensor:
        letter, shape, numbers = self.block(tuple(TORCH_DTYPES))
        flat: torch.Tensor = _torch().from_numpy(numbers)
        if letter == BFLOAT16:
            flat = flat.view(_torch().bfloat16)
        return flat.reshape(shape)

    def generator(self, depth: int) -> torch.Generator:
        if not self.generators:
            raise CodecError("a random generator is not taken here")
        self.count(HEAVY - 1)
        state = self.take(_STATE.size)
        if not _is_valid_state(state):
            raise CodecError("a random generator's state is none that drawing leads to")
        made: torch.Generator = _torch().Generator(device="cpu")
        raw = _torch().from_numpy(np.frombuffer(state, np.uint8).copy())
        try:
            made.set_state(raw)
        except RuntimeError as error:
            raise CodecError("a random generator's state is refused by torch") from error
        if not _torch().equal(made.get_state(), raw):
            raise CodecError("a random generator's state has bytes that torch does not keep")
        return made

    def reference(self, depth: int) -> object:
        self.count(HEAVY - 1)
        kind = self.take(1)[0]
        if kind >= len(KINDS):
            raise CodecError("a reference is of an unknown kind")
        callable_ = self.flag()
        identity, length = struct.unpack(">QI", self.take(12))
        if identity >= 2**63:
            raise CodecError("a reference's id is too large")
        if length > 4 * NAME_LENGTH:
            raise CodecError("a reference's name is too long")
        name = self.utf8(length)
        if not 1 <= len(name) <= NAME_LENGTH or not all(map(_in_name, name)):
            raise CodecError("a reference's name is no name")
        if self.resolve is None:
            raise CodecError("a reference to an object is not taken here")
        return self.resolve(Reference(KINDS[kind], identity, name, callable_))


_READERS: dict[bytes, Callable[[_Reader, int], object]] = {
    _NONE: lambda reader, depth: None,
    _TRUE: lambda reader, depth: True,
    _FALSE: lambda reader, depth: False,
    _INT: _Reader.integer,
    _FLOAT: _Reader.real,
    _STR: _Reader.text,
    _LIST: _Reader.sequence,
    _TUPLE: lambda reader, depth: tuple(reader.sequence(depth)),
    _DICT: _Reader.dictionary,
    _SCALAR: _Reader.scalar,
    _ARRAY: _Reader.array,
    _TENSOR: _Reader.tensor,
    _GENERATOR: _Reader.generator,
    _REFERENCE: _Reader.reference,
}
_KEYS = frozenset((_NONE, _TRUE, _FALSE, _INT, _FLOAT, _STR))


def _count(number: int) -> bytes:
    return struct.pack(">I", number)


def _shape(shape: Sequence[int]) -> bytes:
    return struct.pack(f">B{len(shape)}Q", len(shape), *shape)


def _type_name(value: object) -> str:
    # type's own attribute: a metaclass may have put something else in its place.
    return _readable(type.__dict__["__name__"].__get__(type(value)))


def _plain_array(value: np.ndarray[Any, Any], letter: bytes) -> np.ndarray[Any, Any]:
    """The numbers in C order, little-endian, truth values as 0 and 1."""
    dtype = _dtype(letter)
    array: np.ndarray[Any, Any] = value.astype(dtype.newbyteorder("<"), order="C", copy=False)
    return array.view(np.uint8) != 0 if letter == b"?" else array


@functools.cache
def _torch_letters() -> dict[Any, bytes]:
    return {getattr(_torch(), name): letter for letter, name in TORCH_DTYPES.items()}


def _dtype(letter: bytes) -> np.dtype[Any]:
    return DTYPES[b"h" if letter == BFLOAT16 else letter]


def _is_valid_state(state: memoryview) -> bool:
    """Whether a generator's place in its words is within them.

    torch checks the two counters apart from each other, so a forged pair makes it read past the
    end of the words.  Seeding leaves (left, next) = (1, 0), drawing left + next = 625.
    """
    _, left, _, place, *_ = _STATE.unpack(state)
    drawn = 1 <= left <= _WORDS and left + place == _WORDS + 1
    return drawn or (left, place) == (1, 0)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise CodecError("a tensor arrived, and torch is not installed") from error
    return torch
