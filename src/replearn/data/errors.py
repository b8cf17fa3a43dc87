"""The one error that a loader raises when it cannot have a data set."""

from __future__ import annotations

from pathlib import Path


class DataUnavailable(RuntimeError):
    """A file of a data set is neither in the cache nor can it be downloaded.

    The message names the file, its address, its SHA-256 hash and the folder to put it in; the
    attributes hold the same four facts and the reason.

    Parameters
    ----------
    name : str
        Of the file.
    url : str
        Its address.
    sha256 : str
        Hash of its decompressed content.
    folder : Path
        Where it belongs.
    reason : str
        Why it cannot be had.
    """

    def __init__(self, name: str, *, url: str, sha256: str, folder: Path, reason: str) -> None:
        self.name, self.url, self.sha256, self.folder = name, url, sha256, folder
        self.reason = reason
        super().__init__(
            f"{name} is unavailable ({reason}): get it from {url}, "
            f"whose decompressed content has sha256 {sha256}, and put it into {folder} "
            "(the environment variable REPLEARN_DATA chooses another cache folder)."
        )


class WrongContent(DataUnavailable):
    """The cache holds a file of the right name whose content is not the published one.

    The file is left as it is: only its owner knows whether it can go.

    Parameters
    ----------
    name : str
        Of the file.
    url : str
        Its address.
    sha256 : str
        Hash of its decompressed content.
    folder : Path
        Where it belongs.
    reason : str
        Why it cannot be had.
    """
