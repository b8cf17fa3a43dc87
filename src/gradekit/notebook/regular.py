"""Reads files that strangers made: regular ones only, no link is followed, sizes are capped."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gradekit.notebook import reading
from gradekit.notebook.reading import NotebookError
from gradekit.text import one_line

_NAME_CHARS = 40
# No link is followed and no named pipe waited for (Windows has none of these flags).
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)


def read_file(path: Path, limit: int | None = None) -> bytes:
    """Bytes of a regular file, without following a link.

    Parameters
    ----------
    path : the file.
    limit : bytes that it may have; None: those of a notebook.

    Raises
    ------
    NotebookError : why there are none.
    OSError : as the system says it.
    """
    most = reading.MAX_BYTES if limit is None else limit
    name = one_line(path.name, _NAME_CHARS)
    before = os.lstat(path)  # first: opening a device can have effects of its own
    if stat.S_ISLNK(before.st_mode):
        raise NotebookError(f"{name} is a link, not a file")
    if not stat.S_ISREG(before.st_mode):
        raise NotebookError(f"{name} is not a regular file")
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode) or not os.path.samestat(before, info):
            raise NotebookError(f"{name} was replaced while it was read")
        # The same file under a second name may be anyone's: the solution, another's work, a file
        # only the grader may read. git, rsync --link-dest and the usual backup programs never add
        # a link to the files they copy, so honest work has one name.
        if info.st_nlink > 1:
            raise NotebookError(f"{name} is a hard link: the same file lies elsewhere too; copy it")
        if info.st_size <= most:
            content = file.read(most + 1)  # capped again, as a file can grow meanwhile
            if len(content) <= most:
                return content
    raise reading.too_large(most)
