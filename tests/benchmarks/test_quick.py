"""Every case runs on small problems: what no test runs is broken when it is needed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.benchmarks.cases import all_cases
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def said(root):
    """What the command says of all cases."""
    shutil.rmtree(root / "_build" / "bench" / "quick", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick"],
        cwd=root,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("name", all_cases())
def test_every_case_runs_in_its_quick_form(name, root, said):
    skipped = [line for line in said.splitlines() if line.startswith(f"{name}: skipped, ")]
    if skipped:
        pytest.skip(skipped[0])
    result = json.loads((root / "_build" / "bench" / "quick" / f"{name}.json").read_text())
    assert result["failed"] == {}
    assert set(result["ratios"]) == set(all_cases()[name].implementations)
