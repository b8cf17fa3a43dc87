"""The end of a test run: how many tests were skipped, and why; in CI none for want of a browser."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

TESTS = """
import pytest

@pytest.mark.skip(reason="needs a GPU")
@pytest.mark.parametrize("number", [1, 2])
def test_marked(number): ...

def test_called():
    pytest.skip("no such data")

def test_runs(): ...

@pytest.mark.xfail(reason="known")
def test_fails():
    assert False
"""


def run(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "workers"])
def test_the_end_counts_the_skipped_tests_by_reason(root, tmp_path, workers):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_bytes((root / "tests/conftest.py").read_bytes())
    (tmp_path / "tests" / "test_some.py").write_text(TESTS)
    done = run(tmp_path, "--durations=1", *workers)
    assert done.returncode == 0, done.stdout
    *_, total, first, second, counts = done.stdout.strip().splitlines()
    assert total == "skipped: 3 tests"
    assert [first.split(maxsplit=1), second.split(maxsplit=1)] == [
        ["2", "needs a GPU"],
        ["1", "no such data"],
    ]
    assert counts.startswith("1 passed, 3 skipped, 1 xfailed")


@pytest.mark.parametrize(("ci", "counts"), [("", "1 skipped in"), ("true", "1 error in")])
def test_a_missing_browser_is_an_error_in_ci(root, tmp_path, ci, counts):
    (tmp_path / "tests" / "book").mkdir(parents=True)
    for name in ("tests/conftest.py", "tests/chromium.py", "tests/book/conftest.py"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    (tmp_path / "tests" / "book" / "test_page.py").write_text("def test_page(browser): ...\n")
    done = run(tmp_path, "tests", PATH=str(tmp_path), CI=ci)
    assert done.returncode == (1 if ci else 0)
    assert counts in done.stdout
    assert "no Chromium on PATH" in done.stdout
