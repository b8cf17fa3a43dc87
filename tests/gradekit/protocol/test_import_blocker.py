"""Which imports of hidden modules are refused: the student's own, not a library's."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradekit.protocol.import_blocker import ImportBlocker

MESSAGE = r"shelf\.secret[.\w]* is what this assignment asks you to write"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A library with a hidden part that its own other part, and another library, need."""
    folder = tmp_path / "site-packages"
    files = {
        "shelf/__init__.py": (
            "def __getattr__(name):\n"
            "    import importlib\n"
            "    if name not in ('secret', 'open'): raise AttributeError(name)\n"
            "    return importlib.import_module(f'shelf.{name}')\n"
        ),
        "shelf/secret/__init__.py": "from shelf.secret.inner import value\n",
        "shelf/secret/inner.py": "value = 17\n",
        "shelf/open.py": "from .secret import value\n",
        "other/__init__.py": "from shelf.secret.inner import value\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    blocker = ImportBlocker(["shelf.secret"])
    blocker.install()
    yield folder
    blocker.uninstall()
    for name in list(sys.modules):
        if name.partition(".")[0] in ("shelf", "other"):
            del sys.modules[name]


def run(source: str, **more: Any) -> dict[str, Any]:
    """Run code as a cell of a notebook: in a namespace without a file."""
    namespace: dict[str, Any] = {"__name__": "__main__", **more}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace


STATEMENTS = (
    "import shelf.secret",
    "import shelf.secret.inner as x",
    "from shelf.secret import value",
    "from shelf import secret",
    "import importlib; importlib.import_module('shelf.secret')",
    "__import__('shelf.secret')",
    "import shelf; shelf.secret",
)


@pytest.mark.parametrize("loaded", [False, True], ids=["not loaded", "loaded by the library"])
@pytest.mark.parametrize("statement", STATEMENTS[:-1])
def test_a_students_own_import_is_refused(shelf: Path, statement: str, loaded: bool) -> None:
    if loaded:
        run("import shelf.open")
    with pytest.raises(ImportError, match=MESSAGE):
        run(statement)


def test_a_library_that_imports_for_who_asks_is_no_way_round(shelf: Path) -> None:
    with pytest.raises(ImportError, match=MESSAGE):
        run(STATEMENTS[-1])


@pytest.mark.parametrize("statement", ["from shelf.open import value", "from other import value"])
def test_the_library_itself_and_others_beside_it_import_it(shelf: Path, statement: str) -> None:
    assert run(statement)["value"] == 17


def test_a_students_own_module_is_the_students(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(ImportError, match=MESSAGE):
        run("from shelf.secret import value", __file__=str(tmp_path / "work" / "helper.py"))


def test_a_module_of_the_courses_library_is_gone_for_everyone() -> None:
    blocker = ImportBlocker(["replearn.metrics"])
    file = str(Path(importlib.import_module("replearn").__file__ or ""))
    blocker.install()
    try:
        with pytest.raises(ImportError, match="asks you to write"):
            run("import replearn.metrics", __file__=file)
    finally:
        blocker.uninstall()


def test_other_imports_are_left_alone(shelf: Path) -> None:
    assert run("import json as kept")["kept"] is importlib.import_module("json")
    with pytest.raises(ModuleNotFoundError, match=r"shelf\.nothing"):
        run("import shelf.nothing")
