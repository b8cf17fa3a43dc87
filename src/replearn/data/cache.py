"""The cache folder: find a file there, or download it once, and check its content by hash.

The hash is that of the *decompressed* content, because the same data circulate under different
gzip wrappers.  A file that is in the cache with the right content is never downloaded again, a
file with other content is never touched, and a download reaches its final name only when it is
complete and its content is right.

On a machine without a network a loader has to notice that fast, and once: a host that did not
answer is noted in the cache folder, and nobody asks it again for ten minutes.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from replearn.data.errors import DataUnavailable, WrongContent
from replearn.folders import data_folder

CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
NOTE_SECONDS = 600.0

_GZIP_MAGIC = b"\x1f\x8b"
# When a host did not answer, by the path of the note that could not be written.
_unreachable: dict[str, float] = {}


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    ``path`` is its place in the cache folder, ``url`` its address and ``sha256`` the hash of its
    decompressed content (of the file itself where it is not a gzip file).
    """

    path: str
    url: str
    sha256: str


def read(file: RemoteFile) -> bytes:
    """Return the decompressed, verified content of ``file``; download it if need be.

    The cached file may be gzipped or not, with or without the ending ``.gz``.  With
    ``REPLEARN_OFFLINE=1`` the network is never tried.

    Raises
    ------
    WrongContent
        The cache holds a file of this name with other content.
    DataUnavailable
        It is not in the cache and could not be downloaded.
    """
    target = data_folder() / file.path
    wrong: tuple[Path, str] | None = None
    for place in dict.fromkeys((target, target.with_name(target.name.removesuffix(".gz")))):
        if place.is_file():
            content, fault = _verified(place, file)
            if content is not None:
                return content
            wrong = wrong or (place, fault)
    if wrong is not None:
        place, fault = wrong
        raise _error(file, f"the file {place} {fault}; move it away", WrongContent)
    _download(file)
    content, fault = _verified(target, file)
    if content is None:  # changed on disk between the download and this line
        raise _error(file, f"the file {target} {fault}; move it away", WrongContent)
    return content


def _verified(place: Path, file: RemoteFile) -> tuple[bytes | None, str]:
    """Return (content, "") or (None, what is wrong with the file)."""
    try:
        content = place.read_bytes()
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        return None, f"cannot be read ({error})"
    found = hashlib.sha256(content).hexdigest()
    return (content, "") if found == file.sha256 else (None, f"has content of sha256 {found}")


def _download(file: RemoteFile) -> None:
    """Download ``file`` into the cache folder, or raise DataUnavailable."""
    if os.environ.get("REPLEARN_OFFLINE", "0") not in ("", "0"):
        raise _error(file, "REPLEARN_OFFLINE forbids the download")
    host = urlsplit(file.url).netloc
    target = data_folder() / file.path
    fault = _cannot_write(target.parent)
    if fault:
        raise _error(file, f"not in the cache, and the folder cannot be written: {fault}")
    if _noted(host):
        raise _error(file, f"{host} did not answer a few minutes ago")
    if not _reachable(file.url):
        _note(host)
        raise _error(file, f"{host} does not answer within {CONNECT_SECONDS:g} s")

    import pooch  # here: it is slow to import, and a file that is there does without

    def fetch(url: str, output: str, _: object) -> None:
        # Verified here, while it still has its temporary name: pooch moves it afterwards.
        pooch.HTTPDownloader(
            progressbar=sys.stderr.isatty(), timeout=(CONNECT_SECONDS, READ_SECONDS)
        )(url, output, None)
        content, fault = _verified(Path(output), file)
        if content is None:
            raise ValueError(f"what {host} sent {fault}")

    try:
        with _quiet_pooch():
            pooch.retrieve(file.url, None, fname=target.name, path=target.parent, downloader=fetch)
    # requests' errors are OSErrors.
    except (OSError, ValueError) as error:
        _note(host)
        raise _error(file, f"the download failed: {error}") from error


def _error(
    file: RemoteFile, reason: str, kind: type[DataUnavailable] = DataUnavailable
) -> DataUnavailable:
    target = data_folder() / file.path
    return kind(target.name, url=file.url, sha256=file.sha256, folder=target.parent, reason=reason)


def _cannot_write(folder: Path) -> str:
    """Make ``folder``; return why it cannot be written, or an empty string."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return str(error)


def _reachable(url: str) -> bool:
    """Whether the host of ``url``, or the proxy before it, accepts a connection in time."""
    parts = urlsplit(url)
    if not urllib.request.proxy_bypass(parts.netloc):
        proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy:
            parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    answered = threading.Event()

    def attempt() -> None:
        with suppress(OSError), socket.create_connection(address, timeout=CONNECT_SECONDS):
            answered.set()

    # In a thread of its own because looking the name up obeys no timeout.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return answered.is_set()


def _note_path(host: str) -> Path:
    return data_folder() / f"unreachable-{host.replace(':', '-')}.txt"


def _note(host: str) -> None:
    """Remember, for other processes too where the folder permits, that ``host`` did not answer."""
    path = _note_path(host)
    try:
        path.write_text(
            f"{host} did not answer. It is not asked again for {NOTE_SECONDS / 60:g} minutes; "
            "delete this file to ask at once.\n",
            encoding="utf-8",
        )
    except OSError:
        _unreachable[str(path)] = time.time()


def _noted(host: str) -> bool:
    path = _note_path(host)
    try:
        noted = path.stat().st_mtime
    except OSError:
        noted = _unreachable.get(str(path), 0.0)
    return 0 <= time.time() - noted < NOTE_SECONDS


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Hold back pooch's advice about hashes, which is not for our reader."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
