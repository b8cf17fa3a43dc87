"""The table of valid calls is complete, and its calls are valid."""

from __future__ import annotations

import inspect

import pytest

from tests.replearn import calls


def names_wanted() -> list[str]:
    """Every public name, and the methods of public classes."""
    wanted = []
    for name, value in calls.public_names().items():
        wanted.append(name)
        if inspect.isclass(value) and not issubclass(value, BaseException):
            wanted += [f"{name}.{method}" for method in calls.public_methods(value)]
    return wanted


def test_every_public_name_is_called_or_has_a_reason() -> None:
    called = {name.split("[")[0] for name in calls.CALLS}
    missing = [n for n in names_wanted() if n not in called and n not in calls.NOT_CALLED]
    assert missing == [], "public names without a valid call in tests/replearn/calls.py"


def test_no_name_is_both_called_and_not() -> None:
    assert set(calls.NOT_CALLED) & set(calls.CALLS) == set()


@pytest.mark.parametrize("name", sorted(calls.NOT_CALLED))
def test_what_is_not_called_exists(name: str) -> None:
    assert calls.resolve(name) is not None


@pytest.mark.parametrize("name", sorted(calls.CALLS))
def test_a_call_is_valid(name: str) -> None:
    assert isinstance(calls.parts(calls.CALLS[name]()), dict)
