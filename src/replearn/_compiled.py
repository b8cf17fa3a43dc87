"""Compiled loops, and where their machine code is kept. Imports numba, which is slow.

numba would keep it beside the sources, which may belong to someone else, and hands on what goes
wrong with its files: a full disk, a file that was cut short. Here it lies in the user's cache
folder (``$NUMBA_CACHE_DIR`` where that is set), one folder for each place the library is installed
in, under numba's own keys (numba's version, the source, the types, the processor). What can't be
read is compiled again, and what can't be written stays in memory.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    UserWideCacheLocator,
)

from replearn._files import UNREADABLE
from replearn.folders import cache_folder

_settings: Any = numba.config  # from the environment
_DIGEST = hashlib.sha256().digest_size


def compiled(function: Callable[..., Any]) -> Any:
    """Compiled on first use, and kept on disk where that is possible."""
    dispatcher: Any = njit(nogil=True, fastmath=True, error_model="numpy")(function)
    try:
        dispatcher._cache = _Cache(function)
    except RuntimeError as error:  # as for a library in a zip file: numba names no exception
        if "no locator" not in str(error):
            raise
    return dispatcher


class _Locator(UserWideCacheLocator):
    """Where the files of a function lie, and what they were made from."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)
        chosen = _settings.CACHE_DIR
        folder = Path(chosen) if chosen else cache_folder() / "compiled"
        self._cache_path = str(folder / self.get_suitable_cache_subpath(py_file))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator | None:
        """None where there is no source file, or no folder of this user's."""
        # A folder that can't be written is no obstacle: what is there already is read.
        found = cls(py_func, py_file)
        there = Path(py_file).exists() and Path(found.get_cache_path()).is_absolute()
        return found if there else None

    def get_source_stamp(self) -> bytes:
        """Of all files of the folder: compiled functions call those of their neighbours."""
        return _digest_of_sources(Path(self._py_file).parent)


@functools.cache
def _digest_of_sources(folder: Path) -> bytes:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


class _Files(IndexDataCacheFile):
    """numba's files, machine code behind a digest: with a wrong bit it must not run."""

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _load_data(self, name: str) -> Any:
        stored = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(stored[_DIGEST:]).digest() != stored[:_DIGEST]:
            raise pickle.UnpicklingError(f"{name} is damaged")
        return pickle.loads(stored[_DIGEST:])


class _Implementation(CompileResultCacheImpl):
    _locator_classes: list[type[object]] = [_Locator]  # noqa: RUF012, as numba's


class _Cache(FunctionCache):
    """numba's, for which files that can't be read or written are no files."""

    _impl_class = _Implementation

    def __init__(self, py_func: Any) -> None:
        super().__init__(py_func)
        locator = self._impl.locator
        self._cache_file = _Files(
            cache_path=locator.get_cache_path(),
            filename_base=self._impl.filename_base,
            source_stamp=locator.get_source_stamp(),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept for a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except UNREADABLE:
            return self._forget()

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, if the disk takes it."""
        try:
            super().save_overload(sig, data)
        except UNREADABLE:  # saving reads the index first
            self._forget()

    def _forget(self) -> None:
        """Begin a new index in place of a damaged one; where none can be written, in memory."""
        try:
            self.flush()
        except OSError:
            self.disable()
