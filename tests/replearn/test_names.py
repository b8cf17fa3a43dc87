"""A name stands for one thing: no two public functions share one, nor a function and a module."""

from __future__ import annotations

import inspect
from collections import defaultdict
from importlib import import_module

from replearn_book.library import all_public, submodules, top_modules


def test_no_two_public_things_have_one_name() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for public in all_public():
        homes[public.name].add(f"{public.home}.{public.name}")
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_module_is_called_as_what_it_holds() -> None:
    """``from replearn.sparse import omp`` would give the one or the other."""
    modules = [name for top in top_modules() for name in [top, *submodules(top)]]
    found = {name for name in modules if name.rpartition(".")[2] in held_by(name)}
    found |= {public.path for public in all_public() if public.path in modules}
    assert found == set()


def held_by(module: str) -> set[str]:
    """The functions and classes that are written in a module."""
    return {
        name
        for name, value in vars(import_module(module)).items()
        if (inspect.isroutine(value) or inspect.isclass(value)) and value.__module__ == module
    }
