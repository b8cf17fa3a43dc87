"""An attack that patches what is not there any more would attack nothing and pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradekit.protocol import worker

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
_PATCHED = re.compile(r"\bworker\.(Worker\.)?(\w+)")


def named(source: str) -> set[tuple[bool, str]]:
    """What a source takes from the worker: (whether from its class, the name)."""
    return {(bool(of), name) for of, name in _PATCHED.findall(source) if name != "Worker"}


USERS = [path for path in ATTACKS if named(path.read_text(encoding="utf-8"))]


def test_some_attacks_patch_the_worker() -> None:
    assert len(USERS) > 5


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.stem)
def test_what_an_attack_patches_exists(path: Path) -> None:
    for of_class, name in named(path.read_text(encoding="utf-8")):
        assert hasattr(worker.Worker if of_class else worker, name), name
