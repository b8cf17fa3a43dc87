"""What code depends on, by made-up packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.dependencies import Sources

FILES = {
    "__init__.py": "",
    "alone.py": "import torch.nn\nx = 1",
    "chain.py": "def f():\n    from lib.maths import solve\n    return solve",
    "typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lib import alone",
    "dynamic.py": "from importlib import import_module\nimport_module('lib.alone')",
    "computed.py": "from importlib import import_module\nimport_module(__name__)\nexec('')",
    "broken.py": "import lib.alone\ndef",
    "circle_a.py": "import lib.circle_b",
    "circle_b.py": "import lib.circle_a",
    # its names at once
    "maths/__init__.py": "from .solve import solve\nfrom . import norms as n\nTOL = 1",
    "maths/solve.py": "from ..alone import x",
    "maths/norms.py": "",
    "maths/unused.py": "from lib import typed",
    # its names when they are asked for, from the places that a table tells
    "table/__init__.py": (
        "from importlib import import_module\n"
        "_PLACES = {'one': 'first', 'two': '.second'}\nVERSION = 2\n"
        "def __getattr__(name):\n    return getattr(import_module(_PLACES[name], __name__), name)"
    ),
    "table/first.py": "one = 1",
    "table/second.py": "from lib.alone import x as two",
    "turned/__init__.py": (
        "_PLACES = {'first': ['one', 'uno'], 'second': ('two',)}\ndef __getattr__(name): ..."
    ),
    "turned/first.py": "",
    "turned/second.py": "",
    "checked/__init__.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .first import one\n"
        "def __getattr__(name):\n    from .second import two\n    return two"
    ),
    "checked/first.py": "",
    "checked/second.py": "",
    # its names when they are asked for, from nobody knows where
    "riddle/__init__.py": "def __getattr__(name): return read(name)",
    "riddle/first.py": "",
    "riddle/deep/__init__.py": "",
    "riddle/deep/second.py": "",
}
RIDDLE = "lib lib.riddle lib.riddle.deep lib.riddle.deep.second lib.riddle.first"
EVERYTHING = " ".join(
    sorted(
        {
            "space.tools",
            "space.tools.saw",
            *(
                ".".join(["lib", *name[:-3].split("/")]).replace(".__init__", "")
                for name in (*FILES, "riddle/deep/__init__.py")
            ),
        }
    )
)
MATHS = "lib lib.alone lib.maths lib.maths.norms lib.maths.solve"
ALL_MATHS = f"{MATHS} lib.maths.unused lib.typed"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sources")
    for name, text in FILES.items():
        path = root / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    (root / "space" / "tools").mkdir(parents=True)
    (root / "space" / "tools" / "__init__.py").write_text("")
    (root / "space" / "tools" / "saw.py").write_text("import lib.alone\n")
    return root


@pytest.fixture
def sources(folder: Path) -> Sources:
    return Sources({"lib": folder / "lib", "space.tools": folder / "space" / "tools"})


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("x = 1", ""),
        ("import numpy", ""),
        ("import lib", "lib"),
        ("import lib.alone", "lib lib.alone"),
        ("from lib.alone import x", "lib lib.alone"),
        ("from lib import alone as a", "lib lib.alone"),
        ("from lib.nothing import x", "lib"),
        ("import library", ""),
        ("def f():\n    class A:\n        import lib.alone", "lib lib.alone"),
        ("try:\n    import lib.alone\nexcept ImportError: ...", "lib lib.alone"),
        # as a cell, which may set what it asks
        ("TYPE_CHECKING = 1\nif TYPE_CHECKING:\n    import lib.alone", "lib lib.alone"),
        ("def __getattr__(name):\n    import lib.alone", "lib lib.alone"),
        ("import typing\nif typing.TYPE_CHECKING:\n    x = 1\nelse:\n    import lib", "lib"),
        ("import importlib\nimportlib.import_module('lib.alone')", "lib lib.alone"),
        ("import importlib as i\ni.import_module(name='lib.alone').x.y", "lib lib.alone"),
        ("from importlib import import_module\nimport_module('lib.alone').x(1).y", "lib lib.alone"),
        ("import importlib\nimportlib.import_module('.alone', 'lib')", "lib lib.alone"),
        ("from importlib import reload, metadata\nimport lib\nmetadata.version('a')", "lib"),
        ("import re, sys\nmodel.eval()\nre.compile('a')\nnet.modules()\nsys.path", ""),
        ("eval('lib')", EVERYTHING),
        ("exec('import lib')", EVERYTHING),
        ("import sys\nsys.modules", EVERYTHING),
        ("import sys as s, numpy as n\nn.sys.modules", EVERYTHING),
        ("import sys as s\nf(s)", EVERYTHING),
        ("from sys import modules", EVERYTHING),
        ("__import__('lib')", EVERYTHING),
        ("import runpy", EVERYTHING),
        ("from pkgutil import resolve_name", EVERYTHING),
        ("from importlib import import_module as i\ni('lib.alone')", EVERYTHING),
        ("from importlib.util import find_spec", EVERYTHING),
        ("import importlib\nimportlib.import_module(name)", EVERYTHING),
        ("import importlib\nf(importlib.import_module)", EVERYTHING),
        ("import importlib.metadata\nimportlib.util.find_spec('lib')", EVERYTHING),
        ("import importlib\nimportlib.import_module('.alone', name)", EVERYTHING),
        ("import lib.computed", "lib lib.computed"),  # a module of ours
        ("import lib.typed", "lib lib.typed"),
        ("import lib.dynamic", "lib lib.alone lib.dynamic"),
        ("import lib.broken", "lib lib.broken"),
        ("import lib.circle_a", "lib lib.circle_a lib.circle_b"),
        ("from lib import chain", f"lib.chain {MATHS}"),
        ("from lib.maths import solve", MATHS),
        ("from lib.maths import TOL", MATHS),
        ("from lib.maths import *", MATHS),
        ("from lib.maths import unused", ALL_MATHS),
        # attributes of packages
        ("import lib\nlib.alone.x", "lib lib.alone"),
        ("import lib\nlib.__doc__", "lib"),
        ("import lib as l\nl.maths.solve(l.maths.TOL)", MATHS),
        ("import lib\nlib.maths.unused.x.y", ALL_MATHS),
        ("import lib.maths\nlib.alone.x", MATHS),
        ("from lib import maths\nmaths.TOL", MATHS),
        ("from lib import maths\nprint(maths)", ALL_MATHS),
        ("from lib import alone\nprint(alone)", "lib lib.alone"),
        ("from lib import maths as m\nf(m.unused)", ALL_MATHS),
        # lazy packages
        ("import lib.table", "lib lib.table"),
        ("from lib.table import VERSION", "lib lib.table"),
        ("from lib.table import one", "lib lib.table lib.table.first"),
        ("from lib.table import two", "lib lib.alone lib.table lib.table.second"),
        ("from lib import table\ntable.one", "lib lib.table lib.table.first"),
        ("from lib.table import *", "lib lib.alone lib.table lib.table.first lib.table.second"),
        ("from lib.turned import uno", "lib lib.turned lib.turned.first"),
        ("from lib.turned import two", "lib lib.turned lib.turned.second"),
        ("from lib.checked import one", "lib lib.checked lib.checked.first"),
        ("from lib.checked import two", "lib lib.checked lib.checked.second"),
        ("import lib\nlib.riddle.__name__", "lib lib.riddle"),
        ("from lib.riddle import first", "lib lib.riddle lib.riddle.first"),
        ("from lib.riddle import what", RIDDLE),
        ("import lib\nlib.riddle.what", RIDDLE),
        # a package in a folder that is none
        ("from space.tools import saw", "lib lib.alone space.tools space.tools.saw"),
        ("import space.tools.saw", "lib lib.alone space.tools space.tools.saw"),
        ("import space.tools\nspace.tools.saw", "lib lib.alone space.tools space.tools.saw"),
        ("from space import tools\ntools.saw", "lib lib.alone space.tools space.tools.saw"),
        # notebooks
        ("%matplotlib inline\nimport lib", "lib"),
        ("  import lib\n  x", "lib"),
        (">>> import lib", "lib"),
        ("import lib\nlen?", "lib"),
        ("import lib\nx = %time 3", "lib"),
        ("%time from lib.alone import x", "lib lib.alone"),
        ("%timeit -n 10 -r3 from lib.alone import x", "lib lib.alone"),
        ("%%time\nimport lib\n%time import lib.alone", "lib lib.alone"),
        ("%%capture out\nimport lib.alone", "lib lib.alone"),
        ("%time -eval('')", EVERYTHING),
        ("%time import lib\\\n  def", EVERYTHING),
        ("%time " * 9 + "import lib", EVERYTHING),
        ("!ls", EVERYTHING),  # might start Python
        ("%run file.py", EVERYTHING),
        ("get_ipython().ex('import lib')", EVERYTHING),
        ("%%writefile lib2.py\nimport lib", EVERYTHING),
        ("%time import lib\ndef", ""),
        ("import lib.alone\ndef", ""),
        ("import lib.alone\0", ""),
        ("import lib.alone\n'\ud800'", ""),
        ("!ls\n" * 20_000, EVERYTHING),
    ],
)
def test_the_modules_that_code_depends_on(sources: Sources, code: str, modules: str) -> None:
    assert sorted(sources.needed_by([code]).modules) == sorted(modules.split())


@pytest.mark.parametrize("deep", ["-" * 100_000 + "1", "a" + ".b" * 100_000, "(" * 5000])
def test_what_is_nested_too_deep_counts_as_far_as_python_gets(sources: Sources, deep: str) -> None:
    found = " ".join(sorted(sources.needed_by([f"import lib.alone\n{deep}"]).modules))
    assert found in ("", "lib lib.alone", EVERYTHING)


def test_cells_share_their_names(sources: Sources) -> None:
    needed = sources.needed_by(["import lib", "lib.alone.x"])
    assert needed.modules == {"lib", "lib.alone"}


def test_other_packages_are_named_through_the_modules_that_import_them(sources: Sources) -> None:
    assert sources.needed_by(["import numpy.linalg as la"]).others == {"numpy"}
    assert sources.needed_by(["import lib.maths, json"]).others == {"json", "torch"}


def test_a_package_that_is_named_stands_for_all_of_it(sources: Sources) -> None:
    assert sorted(sources.needed_by(modules=["lib.maths"]).modules) == sorted(ALL_MATHS.split())
    with pytest.raises(
        ValueError, match=r"there is no module lib\.mathematics in lib, space\.tools"
    ):
        sources.needed_by(modules=["lib.mathematics"])


def test_the_hash_follows_names_and_contents(folder: Path, sources: Sources) -> None:
    def now(code: str) -> str:
        fresh = Sources({"lib": folder / "lib"})
        return fresh.hash_of(fresh.needed_by([code]))

    codes = ["import lib.maths", "import lib.typed", "import lib.circle_a", "import lib.circle_b"]
    before = [now(code) for code in codes]
    assert len(set(before)) == 3  # the circle is the same from either side
    with open(folder / "lib" / "alone.py", "a") as file:
        file.write("# a comment\n")
    after = [now(code) for code in codes]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True, True]


def test_this_repositorys_packages_are_found() -> None:
    needed = Sources().needed_by(["from replearn.data import load_digits"]).modules
    assert {"replearn", "replearn.data", "replearn.data.digits", "replearn.folders"} <= needed
    assert not any(name.startswith(("gradekit", "autograder", "book")) for name in needed)
    assert "gradekit.protocol.codec" in Sources().needed_by(modules=["gradekit.runner"]).modules
    assert Sources().module("book.experiments.store")
