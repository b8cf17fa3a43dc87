"""Compiled functions and the files they are kept in."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numba
import pytest

import replearn
from replearn import _compiled

SOURCE = """
from replearn._compiled import compiled

@compiled
def twice(x):
    return 2 * x
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of compiled code, which does not exist yet."""
    monkeypatch.setattr(_compiled, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    return tmp_path / "cache" / "compiled"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., ModuleType]:
    """Import a module with compiled functions, as another process would."""

    def of(source: str = SOURCE) -> ModuleType:
        path = tmp_path / "sources" / "loops.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        _compiled._digest_of_sources.cache_clear()
        spec = importlib.util.spec_from_file_location("loops", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return of


def hits(module: ModuleType) -> int:
    """How many signatures came from files."""
    return sum(module.twice.stats.cache_hits.values())


def files(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.rglob(f"*.{kind}"))


def test_code_is_kept_in_the_users_cache(cache: Path, load: Callable[..., ModuleType]) -> None:
    assert load().twice(3) == 6
    assert len(files(cache, "nbi")) == len(files(cache, "nbc")) == 1
    again = load()
    assert again.twice(3) == 6
    assert hits(again) == 1
    assert not (Path(again.__file__ or "").parent / "__pycache__").exists()


def test_the_folder_of_the_environment_goes_first(
    cache: Path, load: Callable[..., ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "chosen"))
    assert load().twice(3) == 6
    assert len(files(tmp_path / "chosen", "nbc")) == 1
    assert not cache.exists()


def test_a_changed_source_is_compiled_anew(cache: Path, load: Callable[..., ModuleType]) -> None:
    load().twice(3)
    changed = load(SOURCE.replace("2 * x", "1 + 2 * x"))
    assert changed.twice(3) == 7
    assert hits(changed) == 0


def test_a_changed_neighbour_is_a_changed_source(
    cache: Path, load: Callable[..., ModuleType], tmp_path: Path
) -> None:
    """numba looks at the file of a function only, not at those of functions that it calls."""
    load().twice(3)
    (tmp_path / "sources" / "helpers.py").write_text("factor = 3\n")
    again = load()
    again.twice(3)
    assert hits(again) == 0


DAMAGES = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "another pickle": lambda content: b"\x80\x04N.",
    "no pickle": lambda content: b"not a pickle at all",
    "a class that is gone": lambda content: b"\x80\x04creplearn.gone\nGone\n.",
    "one wrong bit": lambda content: content[:-60] + bytes([content[-60] ^ 1]) + content[-59:],
}


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_replaced(
    damage: str, kind: str, cache: Path, load: Callable[..., ModuleType]
) -> None:
    load().twice(3)
    (path,) = files(cache, kind)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert load().twice(3) == 6
    again = load()
    assert again.twice(3) == 6
    assert hits(again) == 1


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_full_disk_leaves_the_code_in_memory(
    kind: str, cache: Path, load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str) -> None:
        if target.endswith(kind):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    real = os.replace
    with monkeypatch.context() as during:
        during.setattr(os, "replace", full)
        assert load().twice(3) == 6
    assert [path for path in cache.rglob("*") if ".tmp." in path.name] == []
    assert load().twice(3) == 6  # the disk has room again
    again = load()
    assert again.twice(3) == 6
    assert hits(again) == 1


def test_a_file_where_the_folder_should_be(cache: Path, load: Callable[..., ModuleType]) -> None:
    cache.parent.write_text("in the way")
    assert load().twice(3) == 6


def test_a_folder_that_refuses_files_is_read(
    cache: Path, load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file can be opened for writing there, as in a read-only folder for all but root."""
    load().twice(3)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(_compiled._Files, "_open_for_write", refuse)
    again = load()
    assert (again.twice(3), again.twice(1.5)) == (6, 3.0)
    assert hits(again) == 1


def test_without_a_home_folder_nothing_is_kept(
    load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor written to a folder called ~ below the working folder."""
    monkeypatch.setattr(_compiled, "cache_folder", lambda: Path("~/.cache/replearn"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.chdir(tmp_path)
    assert load().twice(3) == 6
    assert not (tmp_path / "~").exists()


def test_only_the_missing_cache_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(function: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(_compiled, "_Cache", broken)
    with pytest.raises(RuntimeError, match="something else"):
        _compiled.compiled(lambda x: x)


def test_a_package_that_belongs_to_someone_else_is_left_alone(tmp_path: Path) -> None:
    """The kernels of a copy of the package run, and write to the home folder only."""
    package = tmp_path / "installed" / "replearn"
    shutil.copytree(
        Path(replearn.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    code = (
        "import numpy as np; from replearn.dictionary import kernels; C = np.eye(2);"
        "kernels.sweep(C, np.eye(2), np.ones((2, 2)), False); print(kernels.__file__)"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_"))}
    environment |= {
        "PYTHONPATH": str(package.parent),
        "HOME": str(tmp_path / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(package / "dictionary" / "kernels.py")
    assert [path for kind in ("nbi", "nbc") for path in files(package, kind)] == []
    assert len(files(tmp_path / "home", "nbc")) == 1
