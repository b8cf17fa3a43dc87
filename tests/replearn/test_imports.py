"""Importing a module loads no package that only some of its functions use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import replearn

SLOW = {"sklearn", "scipy", "matplotlib", "numba", "pooch", "safetensors"}

# What a module can't do without, with the reason.
NEEDED = {
    # Estimators are made from scikit-learn's BaseEstimator; that loads SciPy.
    "replearn._estimator": {"sklearn", "scipy"},
    "replearn.dictionary": {"sklearn", "scipy"},
    "replearn.images": {"sklearn", "scipy"},
    "replearn.logistic": {"sklearn", "scipy"},
    "replearn.mixtures": {"sklearn", "scipy"},
    "replearn.pca": {"sklearn", "scipy"},
    "replearn.pretraining.learning": {"sklearn", "scipy"},
    # All that it does is draw.
    "replearn.plotting": {"matplotlib"},
    # Loops for numba to compile, imported by the solvers when they run; numba loads SciPy.
    "replearn._compiled": {"numba", "scipy"},
    "replearn.sparse.kernels": {"numba", "scipy"},
    "replearn.sparse.path_kernels": {"numba", "scipy"},
    "replearn.dictionary.kernels": {"numba", "sklearn", "scipy"},
}

# Forks before each import, so that torch is loaded once and no import sees another's.
PROGRAM = """
import importlib, json, os, sys, warnings
names, slow = map(json.loads, sys.argv[1:])
import torch
loaded = {"torch": sorted(set(slow) & set(sys.modules))}
for name in names:
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        warnings.simplefilter("error")
        importlib.import_module(name)
        os.write(into, json.dumps(sorted(set(slow) & set(sys.modules))).encode())
        os._exit(0)
    os.close(into)
    os.waitpid(child, 0)
    with os.fdopen(out) as said:
        loaded[name] = json.loads(said.read())
print(json.dumps(loaded))
"""


def run(program: str, *arguments: str) -> str:
    """What a fresh interpreter prints that has imported nothing yet."""
    source = str(Path(replearn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_warning_at_import_would_be_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(PROGRAM.replace("importlib.import_module(name)", "warnings.warn('x')"), '["x"]', "[]")


def test_a_module_loads_only_what_it_cannot_do_without() -> None:
    source = Path(replearn.__file__).parent
    names = [
        ".".join(path.relative_to(source.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(source.rglob("*.py"))
    ]
    assert "replearn.sparse.solve" in names
    loaded = json.loads(run(PROGRAM, json.dumps(names), json.dumps(sorted(SLOW))))
    assert loaded.pop("torch") == []
    extra = {}
    for name, found in loaded.items():
        parents = [name.rsplit(".", cut)[0] for cut in range(name.count(".") + 1)]
        allowed = next((NEEDED[parent] for parent in parents if parent in NEEDED), set())
        if set(found) - allowed:
            extra[name] = sorted(set(found) - allowed)
    assert extra == {}
    unused = {name for name in NEEDED if not NEEDED[name] <= set(loaded[name])}
    assert unused == set(), "nothing needs an exception any more that stands in NEEDED"


def test_modules_are_there_by_name() -> None:
    program = "import replearn, sys; replearn.sparse.ista; print('replearn.data' in sys.modules)"
    assert run(program) == "False\n"


def test_dir_names_the_public_modules_and_nothing_else() -> None:
    modules = {path.stem for path in Path(replearn.__file__).parent.iterdir()}
    public = {name for name in modules if name[0] != "_" and name != "py"}
    assert set(dir(replearn)) == {*public, "__version__"}


def test_a_star_import_gives_the_modules() -> None:
    got = run("from replearn import *; print(sorted(name for name in dir() if name[:2] != '__'))")
    assert got == f"{sorted(set(dir(replearn)) - {'__version__'})}\n"


@pytest.mark.parametrize(
    ("typed", "name"), [("replearn.spar", "sparse"), ("replearn.sparse.sparse_c", "sparse_codes")]
)
@pytest.mark.parametrize("running", [False, True], ids=["editor", "notebook"])
def test_names_are_completed(typed: str, name: str, running: bool) -> None:
    """Jedi completes in IPython, where the module is at hand, and in editors, which read it."""
    jedi = pytest.importorskip("jedi")
    if running:
        script = jedi.Interpreter(typed, [{"replearn": replearn}])
    else:
        script = jedi.Script(f"import replearn\n{typed}", path="script.py")
    assert name in [found.name for found in script.complete()]


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'replearn' has no attribute 'spars'"):
        replearn.spars  # noqa: B018


def test_the_library_carries_its_types() -> None:
    assert (Path(replearn.__file__).parent / "py.typed").is_file()
