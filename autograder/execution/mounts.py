"""Which paths lead to a file inside the sandbox, by the kernel's own account of both sides."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Mount:
    """A line of ``/proc/self/mountinfo``: where a part of a file system is shown.

    Parameters
    ----------
    device : number of the file system.
    root : the part's path in the file system.
    place : where it is shown.
    number : of the mount.
    """

    device: str
    root: PurePosixPath
    place: PurePosixPath
    number: int


def read_mounts(text: str) -> list[Mount]:
    """The mounts in the text of a ``mountinfo``, which may hold surrogates for bytes."""
    # Not split() and splitlines(): signs that Python takes for spaces stand in names as they are.
    fields = (line.split(" ") for line in text.split("\n") if line)
    return [Mount(part[2], _path(part[3]), _path(part[4]), int(part[0])) for part in fields]


def here() -> list[Mount]:
    """The mounts that this process sees."""
    return read_mounts(os.fsdecode(Path("/proc/self/mountinfo").read_bytes()))


def _path(text: str) -> PurePosixPath:
    """The kernel writes space, tab, newline and backslash as octal numbers."""
    return PurePosixPath(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text))


def ways_to(path: Path, outside: list[Mount], inside: list[Mount]) -> Iterator[str]:
    """Every path by which a file or folder of this machine might be opened inside.

    A way may be blocked by another mount that lies over it: whoever asks has to try.

    Parameters
    ----------
    path : of the file, as it is called outside.
    outside, inside : the mounts that each side sees.
    """
    real = PurePosixPath(path.resolve())
    yield from dict.fromkeys((str(path.absolute()), str(real)))
    number = _mount_of(real)
    shown = next((mount for mount in outside if mount.number == number), None)
    if shown is None:
        return
    at = shown.root / real.relative_to(shown.place)
    for mount in inside:
        if mount.device == shown.device and at.is_relative_to(mount.root):
            yield str(mount.place / at.relative_to(mount.root))


def _mount_of(path: PurePosixPath) -> int:
    """The number of the mount on which a file lies: a deeper one may be covered by it."""
    fd = os.open(path, os.O_PATH)
    try:
        lines = Path(f"/proc/self/fdinfo/{fd}").read_text(encoding="ascii").splitlines()
    finally:
        os.close(fd)
    return next(int(line.split()[1]) for line in lines if line.startswith("mnt_id:"))
