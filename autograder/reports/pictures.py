"""Pictures that may be shown: PNG and JPEG of sensible sizes, told by what is in them."""

from __future__ import annotations

import base64
import posixpath
import struct
import unicodedata
from collections.abc import Mapping
from urllib.parse import unquote

KINDS = ("image/png", "image/jpeg")
IMAGE_CHARS = 4_000_000  # of one image, in base64
_FILES_CHARS = 20_000_000  # shown of a submission's picture files, however often it names them
_PIXELS = 50_000_000  # a small file can be a huge picture


def is_image(kind: str, data: str) -> bool:
    """Whether base64 text holds a PNG or JPEG of a sensible size."""
    if len(data) > IMAGE_CHARS:
        return False
    try:
        content = base64.b64decode(data, validate=True)
        width, height = _png_size(content) if kind == "image/png" else _jpeg_size(content)
    except (ValueError, struct.error, IndexError):
        return False
    return 0 < width * height <= _PIXELS


class Pictures:
    """The pictures among the files beside a notebook.

    Parameters
    ----------
    files : the files in base64, by relative path.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._left = _FILES_CHARS
        self._shown: set[str] = set()

    def find(self, address: str) -> tuple[str, str] | None:
        """Type and base64 of the picture that a text shows by its name; None: it is not shown."""
        for spelt in (address, unquote(address)):
            name = posixpath.normpath(unicodedata.normalize("NFC", spelt.replace("\\", "/")))
            if name in self._files:
                return self._take(name)
        return None

    def rest(self) -> dict[str, tuple[str, str]]:
        """Those that no text has shown so far, by name."""
        found = {}
        for name in self._files:
            picture = None if name in self._shown else self._take(name)
            if picture:
                found[name] = picture
        return found

    def _take(self, name: str) -> tuple[str, str] | None:
        data = self._files[name]
        kind = next((kind for kind in KINDS if is_image(kind, data)), None)
        if kind is None or len(data) > self._left:
            return None
        self._left -= len(data)
        self._shown.add(name)
        return kind, data


def _png_size(content: bytes) -> tuple[int, int]:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        raise ValueError("not a PNG")
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Size in the first frame header, found by going from segment to segment."""
    if content[:3] != b"\xff\xd8\xff":
        raise ValueError("not a JPEG")
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", content, at + 2)
        at += 2 + max(length, 2)
    raise ValueError("no frame header")
