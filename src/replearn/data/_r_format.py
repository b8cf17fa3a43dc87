"""Tables in files of R's own format."""

from __future__ import annotations

import warnings
from typing import Any

from replearn.data.cache import RemoteFile, read


def read_r_table(file: RemoteFile, name: str, *, what: str) -> Any:
    """Return the object called ``name`` in a cached or downloaded file; ``what`` is for messages.

    Raises
    ------
    DataUnavailable
        The file is neither in the cache nor can it be downloaded.
    ModuleNotFoundError
        The package rdata is not installed.
    """
    try:
        import rdata  # here, because it takes most of a second
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Reading the {what} needs the package rdata: pip install rdata."
        ) from error
    parsed = rdata.parser.parse_data(read(file))
    with warnings.catch_warnings():
        # Classes of R that add nothing to a table.
        warnings.filterwarnings("ignore", "Missing constructor for R class", UserWarning)
        return rdata.conversion.convert(parsed)[name]
