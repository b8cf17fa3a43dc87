"""Text that strangers wrote, made fit to be shown: no control characters, nothing invisible."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\ufffd"
# Joiners shape letters in Persian and Indic scripts and do nothing else.
_KEPT = {"\n", "\t", "\u200c", "\u200d"}
# Other (control, format with the bidirectional controls, surrogate, private, unassigned) and the
# two separators that some programs take for a line's end.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters, marks and symbols that are drawn as nothing, by first and last: joiners of graphemes,
# fillers, empty Braille, variation selectors of ideographs.
_BLANK = (
    ("\u034f", "\u034f"),
    ("\u115f", "\u1160"),
    ("\u17b4", "\u17b5"),
    ("\u180b", "\u180f"),
    ("\u2800", "\u2800"),
    ("\u3164", "\u3164"),
    ("\uffa0", "\uffa0"),
    ("\U000e0100", "\U000e01ef"),
)
_SELECTORS = ("\ufe00", "\ufe0f")  # of an emoji's look: shown with it, nothing on their own
_FORMULA = frozenset("=+-@\u2212")


def visible(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters with a replacement mark for what can't be seen."""
    text = text[: limit + 1].replace("\r\n", "\n")
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    return "".join(c if c in _KEPT or not _is_hidden(c) else _REPLACEMENT for c in text)


def one_line(text: str, limit: int) -> str:
    """The same for a terminal, a CSV cell or a list: on one line, printable throughout."""
    shown = visible(" ".join(text[: 2 * limit + 2].split()), limit)
    return "".join(c if c.isprintable() else _REPLACEMENT for c in shown)


def no_formula(text: str) -> str:
    """Text for a cell of a CSV that no spreadsheet takes for a formula, all of it visible.

    Spreadsheets skip what is blank before a sign, and some take the wide or small form of a sign
    for the sign.
    """
    shown = "".join(c if c.isprintable() and not _is_hidden(c) else _REPLACEMENT for c in text)
    start = unicodedata.normalize("NFKC", _without_blanks(shown)[:1]).lstrip()
    return "'" + shown if start[:1] in _FORMULA else shown


def _without_blanks(text: str) -> str:
    for index, c in enumerate(text):
        # The mark stands for what a program may have taken out before it looks for a sign.
        blank = c.isspace() or c == _REPLACEMENT or _SELECTORS[0] <= c <= _SELECTORS[1]
        if not blank and unicodedata.category(c) not in ("Mn", "Zs"):
            return text[index:]
    return ""


def _is_hidden(c: str) -> bool:
    return unicodedata.category(c) in _HIDDEN or any(a <= c <= b for a, b in _BLANK)
