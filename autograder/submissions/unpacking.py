"""Unpacks a zip file of submissions, counting what comes out whatever the file says of itself."""

from __future__ import annotations

import contextlib
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from autograder.errors import CourseError
from autograder.submissions.collected import Collected
from gradekit.notebook import NotebookError, reading
from gradekit.text import one_line

_MAX_ENTRIES = 20_000
_MAX_DEPTH = 5
_MAX_TOTAL = 4_000_000_000  # bytes unpacked: two hundred notebooks of the largest size
_MAX_RATIO = 200  # of unpacked to packed bytes, beyond the first million; notebooks reach 20
_CHUNK = 2**16
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without bounds
_BAD_ENTRY = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
_SHOWN_CHARS = 80


@contextlib.contextmanager
def as_folder(source: Path, done: Collected) -> Iterator[Path]:
    """A download as a folder; CourseError when it is neither one nor a zip file."""
    if source.is_dir():
        yield source
    elif source.is_file() and zipfile.is_zipfile(source):
        with tempfile.TemporaryDirectory(prefix="collect-") as name:
            folder = Path(name)
            _unpack(source, folder, done)
            yield _unwrapped(folder)
    elif source.is_file() and source.suffix.lower() == ".ipynb":
        raise CourseError(
            f"{source} is a single notebook; give the folder that holds it, with a folder or "
            "file named after each student"
        )
    else:
        raise CourseError(f"{source} is neither a folder nor a zip file of submissions")


def _unpack(source: Path, folder: Path, done: Collected) -> None:
    """Unpack the notebooks of a zip file; entries that point elsewhere or are too big stay out."""
    try:
        archive = zipfile.ZipFile(source)
    except (*_BAD_ENTRY, OSError) as error:
        reason = one_line(str(error), _SHOWN_CHARS)
        raise CourseError(f"{source} can't be read as a zip file ({reason})") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise CourseError(f"{source}: more than {_MAX_ENTRIES:,} entries")
        total = 0
        for entry in entries:
            name = entry.filename.replace("\\", "/")
            if name.lower().endswith(".zip"):
                done.skip(name, "a zip file inside the zip file; unpack it first")
            if not name.lower().endswith(".ipynb"):
                continue
            reason = _refused(entry, name)
            if reason:
                done.skip(name, reason)
                continue
            try:
                total += _extract(archive, entry, folder.joinpath(*PurePosixPath(name).parts))
            except FileExistsError:
                done.skip(name, "its name appears more than once; the first was taken")
            except NotebookError as error:
                total += reading.MAX_BYTES  # nothing is kept of it, but it was work
                done.skip(name, error)
            except _BAD_ENTRY as error:
                done.skip(name, error)
            except OSError as error:
                done.skip(name, error.strerror or error)
            if total > _MAX_TOTAL:
                raise CourseError(f"{source}: unpacks to more than {_MAX_TOTAL // 10**9} GB")


def _refused(entry: zipfile.ZipInfo, name: str) -> str:
    """Why an entry is not even opened."""
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG) and not path.is_absolute() and len(path.parts) <= _MAX_DEPTH
    # A colon: a drive (or a file's hidden stream) on Windows.
    if not plain or any(part == ".." or ":" in part for part in path.parts):
        return "not a plain file"
    if entry.flag_bits & 1:
        return "encrypted"
    if entry.compress_type not in _PACKINGS:
        return "packed in a way that is not read (wanted deflate)"
    if entry.file_size > reading.MAX_BYTES:
        return str(reading.too_large())
    return ""


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> int:
    """Write an entry, counting what comes out of it; returns the bytes written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with open(target, "xb") as file:
        try:
            with archive.open(entry) as packed:
                while chunk := packed.read(_CHUNK):
                    written += len(chunk)
                    if written > reading.MAX_BYTES:
                        raise reading.too_large()
                    if written > max(1_000_000, _MAX_RATIO * entry.compress_size):
                        raise NotebookError(f"packed more than {_MAX_RATIO} times")
                    file.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return written


def _unwrapped(folder: Path) -> Path:
    """The folder inside, when the zip file holds just one that holds the students' folders."""
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX"]
    if len(inside) == 1 and inside[0].is_dir():
        notebooks = list(inside[0].rglob("*.ipynb"))
        if len(notebooks) > 1:
            return inside[0]
    return folder
