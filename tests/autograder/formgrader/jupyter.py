"""A Jupyter server of a test's own: on a free port of this machine, and ended with the test."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.unmeasured import unmeasured

TOKEN = "of-this-test"
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Jupyter:
    """A running server; ``url`` ends without a slash."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def login(self, path: str) -> str:
        """The address that logs a browser in and leads to a page."""
        return f"{self.url}/login?token={TOKEN}&next={path}"

    def post(self, path: str) -> dict[str, Any]:
        """What Formgrader's API answers, as JSON."""
        request = urllib.request.Request(
            self.url + path, b"", {"Authorization": f"token {TOKEN}"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))


@contextmanager
def jupyter_server(folder: Path, own: Path) -> Iterator[Jupyter]:
    """A server with nbgrader's extension, started in ``folder`` as an instructor does.

    ``own`` is where it has its home and its settings: nothing of this machine's users is read.
    """
    own.mkdir()
    places = {
        name: str(own / name.lower())
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    log = own / "log.txt"
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**unmeasured(), **places, "JUPYTER_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Jupyter(_wait(process, Path(places["JUPYTER_RUNTIME_DIR"]), log), process, log)
    finally:
        children: list[psutil.Process] = []
        if process.poll() is None:
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        _, left = psutil.wait_procs(children, timeout=STOP_SECONDS)
        for child in left:
            child.kill()
        assert left == []


def _wait(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """The server's address, once Formgrader answers there."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for path in runtime.glob(f"jpserver-{process.pid}.json"):
            try:
                port = json.loads(path.read_text(encoding="utf-8"))["port"]
                url = f"http://127.0.0.1:{port}"
                request = urllib.request.Request(
                    f"{url}/formgrader/api/status", headers={"Authorization": f"token {TOKEN}"}
                )
                urllib.request.urlopen(request, timeout=5).close()
                return url
            except (ValueError, KeyError, urllib.error.URLError):
                pass  # the file is half written, or the server does not listen yet
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
    raise AssertionError(f"Jupyter does not answer after {START_SECONDS:g} s:\n{said}")
