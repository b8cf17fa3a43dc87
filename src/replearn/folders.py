"""Where this machine keeps what the library downloads. Imports neither torch nor the network."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "data_folder"]


def data_folder() -> Path:
    """Return the folder that holds the data sets.

    This is ``$REPLEARN_DATA`` where that is set, otherwise the cache folder of the operating
    system.

    Returns
    -------
    Path
        It need not exist.

    Examples
    --------
    >>> isinstance(data_folder(), Path)
    True
    """
    chosen = os.environ.get("REPLEARN_DATA")
    if chosen:
        return Path(chosen).expanduser()
    return cache_folder()


def cache_folder() -> Path:
    """Return the library's folder in the cache of the operating system, which may not exist yet.

    Returns
    -------
    Path
        Absolute, but where this user has no home folder.

    Examples
    --------
    >>> isinstance(cache_folder(), Path)
    True
    """
    return Path(platformdirs.user_cache_dir("replearn", False))
