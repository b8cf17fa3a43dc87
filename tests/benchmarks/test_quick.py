"""Every case runs on small problems: what no test runs is broken when it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.benchmarks.cases import all_cases
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", all_cases())
def test_every_case_runs_in_its_quick_form(name, root):
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", name, "--quick"],
        cwd=root,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    if f"{name}: skipped, " in done.stdout:
        pytest.skip(done.stdout.strip())
    result = json.loads((root / "_build" / "bench" / "quick" / f"{name}.json").read_text())
    assert result["failed"] == {}
    assert set(result["ratios"]) == set(all_cases()[name].implementations)
