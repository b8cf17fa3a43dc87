"""Text that strangers wrote, made fit to be shown: no control characters, nothing invisible."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\ufffd"
# Joiners shape letters in Persian and Indic scripts and do nothing else.
_KEPT = {"\n", "\t", "\u200c", "\u200d"}
# Other (control, format with the bidirectional overrides, surrogate, private, unassigned) and the
# two separators that some programs take for a line's end.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters with a replacement mark for what can't be seen."""
    text = text[: limit + 1].replace("\r\n", "\n")
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    return "".join(
        c if c in _KEPT or unicodedata.category(c) not in _HIDDEN else _REPLACEMENT for c in text
    )


def one_line(text: str, limit: int) -> str:
    """The same for a terminal, a CSV cell or a list: on one line, printable throughout."""
    shown = visible(" ".join(text[: 2 * limit + 2].split()), limit)
    return "".join(c if c.isprintable() else _REPLACEMENT for c in shown)
