"""Where this machine keeps what the library downloads. Imports neither torch nor the network."""

from __future__ import annotations

import os
from pathlib import Path


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
    import pooch  # slow to import, and needed for nothing else here

    return Path(pooch.os_cache("replearn"))
