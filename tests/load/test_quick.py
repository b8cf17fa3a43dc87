"""Every load test runs in its quick form: what no test runs is broken when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.load.__main__ import PARTS
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.long


@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs_in_its_quick_form(part, root):
    done = subprocess.run(
        [sys.executable, "-m", "tests.load", part, "--quick"],
        cwd=root,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.endswith("all is well\n")
