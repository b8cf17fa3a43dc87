"""The files of a download, whether it is a folder or a zip file, with all zip files in it."""

from __future__ import annotations

import contextlib
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import CourseError
from autograder.submissions.collected import Collected
from autograder.submissions.unpacking import MAX_DEPTH, MAX_ENTRIES, TOO_DEEP, Unpacking
from gradekit.notebook.beside import of_programs


@dataclass
class Download:
    """What lies in a download, by its path in it (with /).

    A zip file in it is a folder of the same name without ``.zip``.
    """

    files: dict[str, Path] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    damaged: dict[str, str] = field(default_factory=dict)
    """Files that can't be had whole, and why; in ``files`` with what could be had."""


@contextlib.contextmanager
def opened(source: Path, done: Collected) -> Iterator[Download]:
    """A download, unpacked where that is needed; CourseError when it is none."""
    with tempfile.TemporaryDirectory(prefix="collect-") as name:
        reader = _Reader(source, Path(name), done)
        if source.is_dir():
            reader.read_folder(source, "")
        elif source.is_file() and zipfile.is_zipfile(source):
            reader.unpack(source, "")
        elif source.is_file() and source.suffix.lower() == ".ipynb":
            raise CourseError(
                f"{source} is a single notebook; give the folder that holds it, with a folder or "
                "file named after each student"
            )
        elif not source.exists():
            raise CourseError(f"there is no {source}; wanted a folder or zip file of submissions")
        else:
            raise CourseError(f"{source} is neither a folder nor a whole zip file of submissions")
        yield reader.download


class _Reader:
    def __init__(self, source: Path, temporary: Path, done: Collected) -> None:
        self.download = Download()
        self._source, self._done = source, done
        self._temporary, self._count = temporary, 0
        self._unpacking = Unpacking(source, done)

    def read_folder(self, folder: Path, prefix: str) -> None:
        """Take what lies in a folder; no link is followed."""
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            self._done.skip(prefix or str(folder), error.strerror or error)
            return
        for path in paths:
            self._take(path, f"{prefix}/{path.name}" if prefix else path.name)

    def unpack(self, archive: Path, prefix: str) -> None:
        """Take what is in a zip file, unpacked into a folder of its own."""
        self._count += 1
        target = self._temporary / str(self._count)
        target.mkdir()
        damaged = self._unpacking.unpack(archive, target, prefix)
        self.download.damaged |= damaged
        for name in damaged:  # also where nothing came out: it lies in its student's folder
            self._add_folders(name)
        self.read_folder(target, prefix)

    def _take(self, path: Path, name: str) -> None:
        if of_programs(path.name):
            self._done.skip(name, "a file of a program or system", attention=False)
            return
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            self._done.skip(name, "a link")
        elif name.count("/") >= MAX_DEPTH:
            self._done.skip(name, TOO_DEEP)
        elif stat.S_ISDIR(info.st_mode):
            self.download.folders.add(name)
            self.read_folder(path, name)
        elif self._is_zip(path, name):
            folder = name[: -len(".zip")]
            self._add_folders(f"{folder}/")
            self.unpack(path, folder)
        else:
            self.download.files[name] = path
            if len(self.download.files) > MAX_ENTRIES:
                raise CourseError(f"{self._source}: more than {MAX_ENTRIES:,} entries")

    def _is_zip(self, path: Path, name: str) -> bool:
        """Whether a file is a zip file that can be opened."""
        regular = stat.S_ISREG(path.lstat().st_mode)
        if not regular or path.suffix.lower() != ".zip" or name in self.download.damaged:
            return False
        return self._unpacking.depth_left(name) and zipfile.is_zipfile(path)

    def _add_folders(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            self.download.folders.add("/".join(parts[:count]))
