"""Which paths lead to a file inside, by the mounts of both sides."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from autograder.execution.mounts import Mount, read_mounts


def test_only_a_space_ends_a_field_and_only_a_newline_a_line() -> None:
    """Python splits at more; the kernel writes those signs as they are."""
    name = "a\u00a0b\u2003c\x0bd\x0ce\x1cf\x85g\u2028h"
    text = f"1 0 8:1 /r\\040{name} /p\\012{name} rw - ext4 /dev/x rw\n2 0 8:2 / / rw - ext4 y rw\n"
    first, second = read_mounts(text)
    assert first == Mount("8:1", PurePosixPath(f"/r {name}"), PurePosixPath(f"/p\n{name}"), 1)
    assert (second.device, second.number) == ("8:2", 2)


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    text = os.fsdecode(b"1 0 8:1 / /media/\xff rw - ext4 /dev/x rw\n")
    assert os.fsencode(str(read_mounts(text)[0].place)) == b"/media/\xff"


_COVERED = """
import subprocess, sys
from pathlib import Path
from autograder.execution.mounts import here, read_mounts, ways_to
base = Path(sys.argv[1])
for name in ("a/b", "shown/b/course"):
    (base / name).mkdir(parents=True)
for line in (f"-t tmpfs x {base}/a/b", f"--bind {base}/shown {base}/a"):
    subprocess.run(f"mount {line}", shell=True, check=True)
for way in ways_to(base / "a/b/course", here(), here()):
    print(way)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_mount_that_another_covers_shows_nothing(tmp_path: Path) -> None:
    """It is deeper than the one over it, and still not where the path leads."""
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", _COVERED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "shown/b/course") in done.stdout.splitlines()
