"""Where nothing imports torch, checks of numbers and arrays do not load it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gradekit

PROGRAM = """
import sys
sys.modules["torch"] = None  # an import of torch fails
import numpy as np
from gradekit import checks
import gradekit.local, gradekit.report, gradekit.runner
checks.check_close(np.ones(3), np.ones(3), "wrong")
assert checks.check_number(np.float64(2), "f") == 2.0
assert checks.check_integer(3, "f") == 3
assert checks.check_tuple((1, 2), ("a", "b"), "f") == (1, 2)
try:
    checks.check_number(np.zeros(3), "f")
except AssertionError as error:
    assert str(error) == "f returned an array of shape (3,); wanted one number", error
else:
    raise SystemExit("three numbers passed for one")
"""


def test_numbers_and_arrays_are_checked_without_torch() -> None:
    source = str(Path(gradekit.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
