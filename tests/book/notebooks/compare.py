"""How notebooks are run and their checked outputs compared: nbval in a process of its own.

Only the outputs of cells tagged nbval-check-output are compared; every cell has to run.
"""

from __future__ import annotations

import sys
from pathlib import Path


def nbval_command(*notebooks: Path) -> list[str]:
    """The command that runs and compares notebooks."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-q"]
    command += ["--nbval-cell-timeout=300", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return [*command, "-p", "no:cov", "-o", "addopts=", *map(str, notebooks)]


def offline(data: Path) -> dict[str, str]:
    """Variables under which they see the data in a folder, and no network."""
    return {"REPLEARN_OFFLINE": "1", "REPLEARN_DATA": str(data)}
