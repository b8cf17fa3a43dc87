"""Write requirements.txt: the exact versions of everything installed in this environment."""

from __future__ import annotations

import platform
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

HEADER = """\
# The whole environment, exactly: pinned so that an install years from now is the one that was
# tested. Made by `make lock` on Python {python}; the ranges it satisfies stand in pyproject.toml.
"""


def markers(pyproject: str) -> dict[str, str]:
    """Which ranges of a pyproject.toml hold on some systems only: name of the package, marker."""
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {}).values()
    texts = [*project.get("dependencies", []), *(text for extra in extras for text in extra)]
    wanted = [Requirement(text) for text in texts]
    return {canonicalize_name(w.name): str(w.marker) for w in wanted if w.marker is not None}


def pins(freeze: str, markers: dict[str, str]) -> list[str]:
    """The pins in the text of `pip freeze`: without this project and without local versions.

    A local version such as the `+cpu` of a torch build exists on one index only. A package that
    ``markers`` names is pinned with its marker.
    """
    lines = []
    for line in freeze.splitlines():
        if not line or line.startswith(("#", "-e ", "replearn ")):
            continue
        if "==" not in line:
            raise ValueError(f"{line!r} is no exact version; install it from the package index")
        pin = line.split("+", 1)[0]
        marker = markers.get(canonicalize_name(pin.split("==", 1)[0]))
        lines.append(f"{pin}; {marker}" if marker else pin)
    return sorted(lines, key=str.lower)


def main() -> int:
    """Write the file; exit status 2 if something is installed that can't be pinned."""
    command = [sys.executable, "-m", "pip", "freeze", "--disable-pip-version-check"]
    freeze = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    try:
        lines = pins(freeze, markers((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    header = HEADER.format(python=platform.python_version())
    (ROOT / "requirements.txt").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"requirements.txt: {len(lines)} packages")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
