"""What tells one run from another by content: code, settings and values, not names and addresses.

A function is its bytecode (so that comments and line numbers do not count), the values in its
closure, its defaults, and the globals that it reads, functions among them likewise; of functions
and classes of installed packages the name and the package's version stand for the code. A module
of torch is its class, its settings and its parts. What has no content of that kind, such as a
generator of random numbers or an open file, is refused: its state could not be compared.
"""

from __future__ import annotations

import dataclasses
import dis
import enum
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import io
import random
import re
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from replearn._checkpoint import fingerprint

Entries = dict[str, str]

_LONG = 64  # longer texts and lists are known by a digest
# Values whose repr says all.
_PLAIN = (
    type(None),
    type(...),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    np.generic,
    slice,
    range,
    torch.dtype,
    torch.device,
    re.Pattern,
    PurePath,
)
# Built into Python: what they do is said by their names.
_BUILT_IN = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    np.ufunc,
)
# Nothing to compare: what they give next depends on what was taken before.
_STATEFUL = (io.IOBase, types.GeneratorType, torch.Generator, random.Random)
# Looked at once: what is shared among functions, classes and modules is shared in every process.
_SHARED = (nn.Module, types.FunctionType, types.ModuleType, type)
# What nn.Module keeps about itself.
_MODULE_FIELDS = frozenset(vars(nn.Module()))
# What Python, dataclasses and abstract classes add to a class.
_CLASS_FIELDS = re.compile(
    r"__(module|qualname|doc|dict|weakref|annotations|annotate.*|firstlineno|static_attributes|"
    r"slots|abstractmethods|hash|match_args|dataclass_\w+|orig_bases|parameters)__|_abc_impl"
)


class Unidentifiable(ValueError):
    """A value that cannot be told from another by its content."""


def identity(
    name: str, value: object, known: Mapping[int, str] | None = None, *, weights: bool = True
) -> Entries:
    """The entries that identify a value: what each part is, under ``name`` and the part's place.

    Parameters
    ----------
    name : str
        What the value is called in messages.
    value : object
        A function, a module of torch, numbers, tensors, or a container or object of those.
    known : mapping, optional
        By ``id``: objects that are known by name, such as the model that a loss belongs to.
    weights : bool
        Whether values of the parameters and buffers of modules count, or their shapes only.

    Raises
    ------
    ValueError
        Some part has no content that could be compared.
    """
    walk = _Walk(known or {}, weights)
    walk.look(value, name)
    return walk.found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


class _Walk:
    """Through a value and its parts, each object once."""

    def __init__(self, known: Mapping[int, str], weights: bool) -> None:
        self.known, self.weights = known, weights
        self.found: Entries = {}
        # Kept with the object, lest another one gets its id.
        self.seen: dict[int, object] = {}

    def look(self, value: Any, path: str) -> None:
        """Enter a value under its path, then its parts."""
        if id(value) in self.known:
            self.found[path] = f"the {self.known[id(value)]}"
        elif isinstance(value, Tensor):
            self.found[path] = fingerprint(value)
        elif _is_plain(value):
            text = repr(value)
            self.found[path] = text if len(text) <= _LONG else f"text {_digest(text)}"
        elif id(value) in self.seen:
            self.found[path] = f"{getattr(value, '__qualname__', type(value).__name__)}, as before"
        else:
            self.seen[id(value)] = value
            self._parts(value, path)
            # Whether two equal lists are one object may change from process to process.
            if not isinstance(value, _SHARED):
                del self.seen[id(value)]

    def _parts(self, value: Any, path: str) -> None:
        if isinstance(value, nn.Module):
            self._module(value, path)
        elif isinstance(value, np.ndarray):
            self._array(value, path)
        elif isinstance(value, functools.partial):
            self.found[path] = "partial"
            self.look(value.func, f"{path}, function")
            self._items(value.args, path)
            self._fields(value.keywords, path, ", ")
        elif isinstance(value, types.MethodType):
            self.look(value.__func__, path)
            self.look(value.__self__, f"{path}, self")
        elif isinstance(value, types.FunctionType):
            self._function(value, path)
        elif isinstance(value, type):
            self._class(value, path)
        elif isinstance(value, _BUILT_IN):
            self._built_in(value, path)
        elif isinstance(value, types.ModuleType):
            self._python_module(value, path)
        elif isinstance(value, enum.Enum):
            self.found[path] = str(value)
        elif isinstance(value, Mapping):
            self.found[path] = f"{type(value).__name__} of {len(value)}"
            self._mapping(value, path)
        elif isinstance(value, set | frozenset):
            self.found[path] = self._digest_of(sorted(self._alone(item) for item in value))
        elif isinstance(value, list | tuple):
            self.found[path] = f"{type(value).__name__} of {len(value)}"
            self._items(value, path)
        else:
            self._object(value, path)

    def _module(self, module: nn.Module, path: str) -> None:
        """Class, settings, hooks and parts; of weights the values, or the shapes only."""
        module = getattr(module, "_orig_mod", module)  # torch.compile's wrapper
        self.found[path] = type(module).__name__
        self.look(type(module), f"{path}, class")
        own = {k: v for k, v in vars(module).items() if k not in _MODULE_FIELDS}
        hooks = {k: v for k, v in vars(module).items() if "hooks" in k and v}
        self._fields(own, path)
        for name, each in hooks.items():
            self._items(list(each.values()), f"{path}.{name}")
        for name, tensor in [
            *module.named_parameters(recurse=False),
            *module.named_buffers(recurse=False),
        ]:
            if self.weights:
                self.look(tensor, f"{path}.{name}")
            else:
                frozen = ", frozen" * (
                    isinstance(tensor, nn.Parameter) and not tensor.requires_grad
                )
                self.found[f"{path}.{name}"] = f"{tuple(tensor.shape)} {tensor.dtype}{frozen}"
        for name, child in module.named_children():
            self.look(child, f"{path}.{name}")

    def _array(self, array: np.ndarray, path: str) -> None:
        if array.dtype.hasobject:
            self._items(array.ravel().tolist(), path)
        values = b"" if array.dtype.hasobject else np.ascontiguousarray(array).tobytes()
        digest = hashlib.sha256(values).hexdigest()[:16]
        self.found[path] = f"{array.shape} {array.dtype}, digest {digest}"

    def _function(self, function: types.FunctionType, path: str) -> None:
        code = function.__code__
        if installed := _installed(function.__module__):
            self.found[path] = f"{function.__module__}.{function.__qualname__} of {installed}"
        else:
            self.found[path] = f"{function.__qualname__}, code {_digest(_text(code))}"
            self._globals(function, path)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:  # not assigned yet
                self.found[f"{path}, {name}"] = "nothing"
            else:
                self.look(content, f"{path}, {name}")
        named = code.co_varnames[: code.co_argcount]
        defaults = function.__defaults__ or ()
        self._fields(
            dict(zip(named[len(named) - len(defaults) :], defaults, strict=True)), path, ", "
        )
        self._fields(function.__kwdefaults__ or {}, path, ", ")
        self._fields(vars(function), path)

    def _globals(self, function: types.FunctionType, path: str) -> None:
        """The globals that a function reads, and of a module those of its members that it reads."""
        for names in dict.fromkeys(_names_read(function.__code__)):
            if names[0] not in function.__globals__:
                continue  # built in, or not there yet
            value, used = function.__globals__[names[0]], names[:1]
            while isinstance(value, types.ModuleType) and len(used) < len(names):
                if _installed(value.__name__) or not hasattr(value, names[len(used)]):
                    break
                value = getattr(value, names[len(used)])
                used = names[: len(used) + 1]
            if not (isinstance(value, types.ModuleType) and _installed(value.__name__)):
                self.look(value, f"{path}, {'.'.join(used)}")
        for name in dict.fromkeys(_modules_imported(function)):
            if not _installed(name) and (module := _imported(name)) is not None:
                self.look(module, f"{path}, {name}")

    def _class(self, cls: type, path: str) -> None:
        if installed := _installed(cls.__module__):
            self.found[path] = f"{cls.__module__}.{cls.__qualname__} of {installed}"
            return
        entries = [self._alone(base) for base in cls.__bases__]
        for name, value in vars(cls).items():
            if not _CLASS_FIELDS.fullmatch(name) and not _written_by_dataclass(cls, value):
                entries += [f"{name}: {self._alone(part)}" for part in _content_of(value)]
        self.found[path] = f"{cls.__qualname__}, code {self._digest_of(entries)}"

    def _built_in(self, value: Any, path: str) -> None:
        owner = getattr(value, "__self__", None)
        self.found[path] = f"{getattr(value, '__module__', None) or 'built-in'}.{value.__name__}"
        if owner is not None and not isinstance(owner, types.ModuleType):
            self.look(owner, f"{path}, self")

    def _python_module(self, module: types.ModuleType, path: str) -> None:
        if installed := _installed(module.__name__):
            self.found[path] = f"{module.__name__} of {installed}"
        elif file := getattr(module, "__file__", None):
            self.found[path] = f"{module.__name__}, source {_digest(Path(file).read_text())}"
        else:
            raise self._refused(module, path)

    def _mapping(self, value: Mapping[Any, Any], path: str) -> None:
        for i, (key, item) in enumerate(value.items()):
            if isinstance(key, str | int | float):
                self.look(item, f"{path}[{key!r}]")
            else:
                named = f"{path}[{getattr(key, '__qualname__', i)}]"
                self.look(key, f"{path}, key {i}")
                self.look(item, named if named not in self.found else f"{named} ({i})")

    def _items(self, values: Sequence[Any], path: str) -> None:
        if len(values) > _LONG:
            self.found[path] = self._digest_of([self._alone(value) for value in values])
            return
        for i, value in enumerate(values):
            self.look(value, f"{path}[{i}]")

    def _fields(self, values: Mapping[str, Any], path: str, by: str = ".") -> None:
        for name, value in values.items():
            self.look(value, f"{path}{by}{name}")

    def _object(self, value: Any, path: str) -> None:
        fields = {
            name: getattr(value, name)
            for cls in type(value).__mro__
            for name in _slots(cls)
            if hasattr(value, name)
        } | getattr(value, "__dict__", {})
        known = dataclasses.is_dataclass(value) or fields
        if isinstance(value, _STATEFUL) or not (known or not _installed(type(value).__module__)):
            raise self._refused(value, path)
        self.found[path] = type(value).__name__
        self.look(type(value), f"{path}, class")
        self._fields(fields, path)

    def _alone(self, value: Any) -> str:
        """One text for a value and its parts."""
        outer, self.found = self.found, {}
        try:
            self.look(value, "")
            return repr(list(self.found.items()))
        finally:
            self.found = outer

    def _digest_of(self, entries: Sequence[str]) -> str:
        return f"{len(entries)} parts, digest {_digest(repr(list(entries)))}"

    def _refused(self, value: object, path: str) -> Unidentifiable:
        return Unidentifiable(
            f"{path}: got a {type(value).__qualname__}, whose content cannot be compared with "
            "another one's, want numbers, tensors, modules, functions or objects of those; or name "
            'the run yourself, as in key="first try"'
        )


def _is_plain(value: object) -> bool:
    """Whether the repr of a value says all."""
    if type(value) in (list, tuple, torch.Size):
        return all(isinstance(item, _PLAIN) and not isinstance(item, enum.Enum) for item in value)  # type: ignore[attr-defined]
    return isinstance(value, _PLAIN) and not isinstance(value, enum.Enum)


def _content_of(value: Any) -> Iterator[Any]:
    """What of an attribute of a class is to be looked at: code, or a value."""
    if isinstance(value, staticmethod | classmethod):
        yield value.__func__
    elif isinstance(value, property):
        yield from (f for f in (value.fget, value.fset, value.fdel) if f is not None)
    elif isinstance(value, functools.cached_property):
        yield value.func
    elif not isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
        yield value


def _written_by_dataclass(cls: type, value: object) -> bool:
    """Whether a method says no more than the fields, which each instance has."""
    made = isinstance(value, types.FunctionType) and value.__code__.co_filename == "<string>"
    return made and "__dataclass_fields__" in vars(cls)


def _slots(cls: type) -> Sequence[str]:
    slots = vars(cls).get("__slots__", ())
    return [slots] if isinstance(slots, str) else list(slots)


def _text(code: types.CodeType) -> str:
    """All of a code object that changes what it does."""
    constants = [
        _text(c) if isinstance(c, types.CodeType) else f"{type(c).__name__} {_constant(c)}"
        for c in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return repr((code.co_code, constants, names, counts))


def _constant(value: Any) -> str:
    # The order of a set's members changes from process to process.
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _names_read(code: types.CodeType) -> Iterator[tuple[str, ...]]:
    """Each global that is read, with the attributes that are read off it there and then."""
    for part in _nested(code):
        names: list[str] = []
        for instruction in dis.get_instructions(part):
            if names and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                names.append(str(instruction.argval))
                continue
            if names:
                yield tuple(names)
            names = []
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                names = [str(instruction.argval)]
        if names:
            yield tuple(names)


def _modules_imported(function: types.FunctionType) -> Iterator[str]:
    """Modules that are imported when the function runs."""
    package = function.__globals__.get("__package__") or ""
    for part in _nested(function.__code__):
        for instruction in dis.get_instructions(part):
            if instruction.opname == "IMPORT_NAME":
                name = str(instruction.argval)
                if name:
                    yield name
                if package:  # by a relative import
                    yield f"{package}.{name}" if name else package


def _imported(name: str) -> types.ModuleType | None:
    """A module that a function will import, if there is one of that name.

    It is imported here, lest the same run looked another one before and after its first step.
    """
    try:
        return importlib.import_module(name)
    except ImportError:  # such as the other reading of a relative name
        return None


def _file_of(top: str) -> str | None:
    """Where a package lies, imported or not."""
    if (module := sys.modules.get(top)) is not None:
        paths = iter(getattr(module, "__path__", ()))
        return getattr(module, "__file__", None) or next(paths, None)
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or ()), None)


@functools.cache
def _installed(name: str | None) -> str:
    """The package, with its version, that a module is installed in; nothing for other modules.

    An editable installation counts as other: its code may change from run to run.
    """
    top = (name or "").partition(".")[0]
    if not top or top == "__main__":
        return ""
    if top in sys.builtin_module_names or top in sys.stdlib_module_names or top == "builtins":
        return f"Python {sys.version_info.major}.{sys.version_info.minor}"
    module = sys.modules.get(top)
    file = _file_of(top)
    if file is None:
        return ""
    paths = sysconfig.get_paths()
    folders = {Path(paths[kind]).resolve() for kind in ("purelib", "platlib")}
    if not any(Path(file).resolve().is_relative_to(folder) for folder in folders):
        return ""
    version = getattr(module, "__version__", None)
    if version is None:
        try:
            version = importlib.metadata.version(top)
        except importlib.metadata.PackageNotFoundError:
            version = "of unknown version"
    return f"{top} {version}"
