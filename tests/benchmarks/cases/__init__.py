"""Every module here has a list CASES; they are collected in the order of the modules' names."""

from __future__ import annotations

import importlib
import pkgutil

from tests.benchmarks.case import Case


def case_modules() -> list[str]:
    """The names of the modules here."""
    return sorted(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))


def all_cases() -> dict[str, Case]:
    """All cases by name."""
    cases = [case for name in case_modules() for case in importlib.import_module(name).CASES]
    found = {case.name: case for case in cases}
    assert len(found) == len(cases), "two benchmark cases have the same name"
    return found
