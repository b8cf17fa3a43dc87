"""Unpacks zip files of submissions, counting what comes out whatever they say of themselves."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from autograder.errors import CourseError
from autograder.submissions.collected import Collected
from gradekit.notebook import NotebookError, reading
from gradekit.notebook.beside import of_programs
from gradekit.text import one_line

MAX_ENTRIES = 20_000  # of all zip files together
MAX_DEPTH = 5  # folders and the file itself, those inside zip files counted together
TOO_DEEP = f"more than {MAX_DEPTH - 1} folders deep"
_MAX_TOTAL = 4_000_000_000  # bytes unpacked: two hundred notebooks of the largest size
_MAX_RATIO = 200  # of unpacked to packed bytes, beyond the first million; notebooks reach 20
_CHUNK = 2**16
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without bounds
_BAD_ENTRY = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
_SHOWN_CHARS = 80


class Unpacking:
    """Unpacks a zip file and those inside it, within limits that hold for all together.

    Parameters
    ----------
    source : the download, for messages.
    done : where it is noted what stays out.
    """

    def __init__(self, source: Path, done: Collected) -> None:
        self._source, self._done = source, done
        self._entries = 0
        self._total = 0

    def unpack(self, archive: Path, target: Path, prefix: str) -> dict[str, str]:
        """Unpack one zip file; entries that point elsewhere or are too big stay out.

        Parameters
        ----------
        archive : the zip file.
        target : an empty folder.
        prefix : where the zip file stands for a folder in the download; empty: it is the download.

        Returns
        -------
        dict
            The files, by their path in the download, that did not come out whole, and why.

        Raises
        ------
        CourseError
            The download can't be read at all, or a limit is passed.
        """
        try:
            opened = zipfile.ZipFile(archive)
        except (*_BAD_ENTRY, OSError) as error:
            reason = one_line(str(error), _SHOWN_CHARS)
            if prefix:
                return {f"{prefix}.zip": f"can't be read as a zip file ({reason})"}
            raise CourseError(f"{archive} can't be read as a zip file ({reason})") from error
        damaged: dict[str, str] = {}
        with opened:
            entries = opened.infolist()
            self._entries += len(entries)
            if self._entries > MAX_ENTRIES:
                raise CourseError(f"{self._source}: more than {MAX_ENTRIES:,} entries")
            for entry in entries:
                self._one(opened, entry, target, prefix, damaged)
        return damaged

    def _one(
        self,
        archive: zipfile.ZipFile,
        entry: zipfile.ZipInfo,
        target: Path,
        prefix: str,
        damaged: dict[str, str],
    ) -> None:
        inside = entry.filename.replace("\\", "/")
        path = PurePosixPath(inside)
        name = f"{prefix}/{inside}" if prefix else inside
        if not path.parts:
            return
        if _leads_astray(inside):
            self._done.skip(name, "not a plain file")
            return
        if any(map(of_programs, path.parts)):
            self._done.skip(name, "a file of a program or system", attention=False)
            return
        too_deep = len(PurePosixPath(name).parts) - MAX_DEPTH
        if too_deep > 0:
            self._done.skip(name, TOO_DEEP)
            path = path.parents[too_deep - 1]  # whose it is shows in the folders above
        place = target.joinpath(*path.parts)
        try:
            if too_deep > 0 or entry.is_dir() or inside.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                return
            place.parent.mkdir(parents=True, exist_ok=True)
            reason = _refused(entry)
            if not reason:
                reason = self._extract(archive, entry, place)
        except FileExistsError:
            self._done.skip(name, "its name appears more than once; the first was taken")
            return
        except OSError as error:
            self._done.skip(name, error.strerror or error)
            return
        if reason:
            damaged["/".join((*([prefix] if prefix else []), *path.parts))] = reason
            self._done.skip(name, reason)
        if self._total > _MAX_TOTAL:
            raise CourseError(f"{self._source}: unpacks to more than {_MAX_TOTAL // 10**9} GB")

    def _extract(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path) -> str:
        """Write an entry, counting what comes out; returns why it is not whole, or nothing.

        What came out until then stays where its end is damaged, and goes where it is too much.
        """
        written = checksum = 0
        with open(place, "xb") as file:
            try:
                with archive.open(entry) as packed:
                    # zipfile would give nothing of the last piece, which a person may yet read.
                    vars(packed)["_expected_crc"] = None
                    while chunk := packed.read(_CHUNK):
                        written += len(chunk)
                        self._total += len(chunk)
                        if written > reading.MAX_BYTES:
                            raise reading.too_large()
                        if written > max(1_000_000, _MAX_RATIO * entry.compress_size):
                            raise NotebookError(f"packed more than {_MAX_RATIO} times")
                        checksum = zlib.crc32(chunk, checksum)
                        file.write(chunk)
            except NotebookError as error:
                place.unlink(missing_ok=True)
                return str(error)
            except _BAD_ENTRY as error:
                return f"damaged ({one_line(str(error), _SHOWN_CHARS)})"
            except OSError:
                place.unlink(missing_ok=True)
                raise
        return "" if checksum == entry.CRC else "damaged (its checksum is wrong)"

    def depth_left(self, name: str) -> bool:
        """Whether a zip file may be opened where it lies: its files lie deeper."""
        return name.count("/") + 1 < MAX_DEPTH


def _leads_astray(inside: str) -> bool:
    """Whether a name is none of a file below the folder that it is unpacked into."""
    path = PurePosixPath(inside)
    # A colon: a drive (or a file's hidden stream) on Windows.
    return path.is_absolute() or any(part == ".." or ":" in part for part in path.parts)


def _refused(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not even opened."""
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "not a plain file"
    if entry.flag_bits & 1:
        return "encrypted"
    if entry.compress_type not in _PACKINGS:
        return "packed in a way that is not read (wanted deflate)"
    if entry.file_size > reading.MAX_BYTES:
        return str(reading.too_large())
    return ""
