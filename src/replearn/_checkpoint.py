"""Files that hold the state of long work: replaced in one step, refused when they do not fit."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from replearn._files import UNREADABLE, replaced

_SHOWN = 4  # differences of two runs that a message names


def save(path: Path, state: dict[str, Any]) -> None:
    """Replace the file in one step: a kill leaves the old one or the new one."""
    with replaced(path) as file:
        torch.save(state, file)


def load(path: Path, *, writer: str, version: int, identity: dict[str, str]) -> dict[str, Any]:
    """The state in the file, on the CPU, if ``writer`` wrote it for a run of this identity.

    Raises
    ------
    ValueError : the file is damaged or of another kind, or the arguments or the data of its run
        are not those of ``identity``; the sentence names what differs.
    """
    if path.is_dir():
        raise ValueError(
            f"checkpoint: got {path}, which is a folder, want a file written by {writer}"
        )
    with path.open("rb") as file:  # outside: a file that may not be read is another matter
        try:
            check_sums(file)
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            kind, theirs = (state["writer"], state["version"]), dict(state["identity"])
        except UNREADABLE as error:
            raise ValueError(
                f"checkpoint: got {path}, which is not a file written by {writer}, want one that is"
            ) from error
    if kind != (writer, version):
        raise ValueError(
            f"checkpoint: got {path}, written by {kind[0]}, version {kind[1]}, want {writer}, "
            f"version {version}"
        )
    differences = [
        f"{key} is {identity.get(key, 'absent')}, there {theirs.get(key, 'absent')}"
        for key in dict.fromkeys([*identity, *theirs])
        if identity.get(key) != theirs.get(key)
    ]
    if differences:
        more = len(differences) - _SHOWN
        if more > 0:
            differences[_SHOWN:] = [f"and {more} more"]
        raise ValueError(
            f"checkpoint: got {path}, which belongs to another run: {'; '.join(differences)}; "
            "want another path, or the arguments of that run"
        )
    return state


def check_sums(file: BinaryIO) -> None:
    """Refuse a file of torch.save of which a bit has changed, which torch.load does not look at."""
    with zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} has another checksum than when it was written")
    file.seek(0)


def fingerprint(X: Tensor) -> str:
    """Shape, dtype, device and a digest of the values: what tells one data set from another."""
    values = X.detach().resolve_conj().resolve_neg()
    values = (values if values.layout == torch.strided else values.to_dense()).cpu()
    content = values.contiguous().flatten().view(torch.uint8).numpy().data
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{tuple(X.shape)} {X.dtype} on {X.device.type}, digest {digest}"
