"""Run notebooks under nbval, and read which of their outputs are compared."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from tests.book.notebooks.compare import nbval_command, offline
from tests.unmeasured import unmeasured

TAG = "nbval-check-output"


@pytest.fixture(scope="session")
def nbval(root):
    """Run notebooks in a process of their own, on the data in a folder, without the network."""

    def run(*notebooks: Path, data: Path) -> subprocess.CompletedProcess[str]:
        command, environment = nbval_command(*notebooks), unmeasured() | offline(data)
        # A test run that is split among workers tells so by variables that this run is not about.
        for name in [name for name in environment if name.startswith(("PYTEST_", "COV_"))]:
            del environment[name]
        result = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        result.stdout = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)  # colours
        return result

    return run


@pytest.fixture(scope="session")
def tagging_problems():
    """What would make the comparison of a notebook's outputs an empty one, a sentence each."""

    def of(path: Path) -> list[str]:
        notebook = nbformat.read(path, as_version=4)
        tagged = [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]
        if not tagged:
            return [f"{path.name}: no cell is tagged {TAG}"]
        return [
            f"{path.name}: the cell {cell.id} is tagged {TAG} and has no stored output"
            for cell in tagged
            if not cell.get("outputs")
        ]

    return of
