"""The progress bar of long computations, and the one rule for when it is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from tqdm.auto import tqdm

Progress = bool | Literal["always"]


def progress_bar(
    progress: Progress, iterable: Iterable[Any] | None = None, **options: Any
) -> tqdm[Any]:
    """tqdm's bar, on standard error.

    Shown for True if that is a terminal, so that notebooks turned into pages and log files stay
    clean; always for "always"; never for False. ``disable`` of the result says which.
    """
    if not isinstance(progress, bool | np.bool_) and progress != "always":
        raise ValueError(f"progress: got {progress!r}, want True, False or 'always'")
    shown = progress == "always" or (bool(progress) and sys.stderr.isatty())
    return tqdm(iterable, disable=not shown, **options)
