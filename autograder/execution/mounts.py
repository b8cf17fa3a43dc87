"""Which paths lead to a file inside the sandbox, by the kernel's own account of both sides."""

from __future__ import annotations

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
    """

    device: str
    root: PurePosixPath
    place: PurePosixPath


def read_mounts(text: str) -> list[Mount]:
    """The mounts in the text of a ``mountinfo``."""
    fields = (line.split() for line in text.splitlines())
    return [Mount(part[2], _path(part[3]), _path(part[4])) for part in fields]


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
    over = [mount for mount in outside if real.is_relative_to(mount.place)]
    if not over:
        return
    # Of several mounts at one place, the last lies on top.
    shown = max(reversed(over), key=lambda mount: len(mount.place.parts))
    at = shown.root / real.relative_to(shown.place)
    for mount in inside:
        if mount.device == shown.device and at.is_relative_to(mount.root):
            yield str(mount.place / at.relative_to(mount.root))
