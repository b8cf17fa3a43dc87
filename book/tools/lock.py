"""Write requirements.txt: the exact versions of everything installed in this environment."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

HEADER = """\
# The whole environment, exactly: pinned so that an install years from now is the one that was
# tested. Made by `make lock` on Python {python}; the ranges it satisfies stand in pyproject.toml.
"""


def pins(freeze: str) -> list[str]:
    """The pins in the text of `pip freeze`: without this project and without local versions.

    A local version such as the `+cpu` of a torch build exists on one index only.
    """
    lines = []
    for line in freeze.splitlines():
        if not line or line.startswith(("#", "-e ", "replearn ")):
            continue
        if "==" not in line:
            raise ValueError(f"{line!r} is no exact version; install it from the package index")
        lines.append(line.split("+", 1)[0])
    return sorted(lines, key=str.lower)


def main() -> int:
    """Write the file; exit status 2 if something is installed that can't be pinned."""
    command = [sys.executable, "-m", "pip", "freeze", "--disable-pip-version-check"]
    freeze = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    try:
        lines = pins(freeze)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    header = HEADER.format(python=platform.python_version())
    (ROOT / "requirements.txt").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"requirements.txt: {len(lines)} packages")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
