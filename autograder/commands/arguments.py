"""Types of the command line's options: each refuses what it can't use in one sentence."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from pathlib import Path

# A relative path has no colon, so it can't have a scheme; // and \ would name another host.
_BOOK_URL = re.compile(r"https?://[^\s\x00-\x1f]+|(?!//)[^\s\x00-\x1f\\:?#]+", re.IGNORECASE)


def worker_count(text: str) -> int:
    """A number of workers."""
    count = int(text) if text.isascii() and text.isdigit() else 0
    if count < 1:
        raise ArgumentTypeError(f"wanted a whole number from 1 up, got {text!r}")
    return count


def path(text: str) -> Path:
    """A path; an empty text, which Python takes for the current folder, is none."""
    if not text.strip():
        raise ArgumentTypeError(f"wanted a path, got {text!r}")
    return Path(text)


def book_url(text: str) -> str:
    """An address that a feedback page may link to."""
    if not _BOOK_URL.fullmatch(text):
        wanted = "http://..., https://... or a relative path"
        raise ArgumentTypeError(f"wanted {wanted}, got {text!r}")
    return text
