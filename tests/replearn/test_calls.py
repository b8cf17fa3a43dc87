"""The table of valid calls is complete. That they are valid says test_default_device.py."""

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


def missing() -> list[str]:
    """Public names that are neither called nor have a reason not to be."""
    called = {name.split("[")[0] for name in calls.CALLS}
    return [n for n in names_wanted() if n not in called and n not in calls.NOT_CALLED]


def test_every_public_name_is_called_or_has_a_reason() -> None:
    assert missing() == [], "public names without a valid call in tests/replearn/calls.py"


@pytest.mark.parametrize("name", ["replearn.pca.PCA", "replearn.training.train"])
def test_a_name_without_a_call_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {key: call for key, call in calls.CALLS.items() if key.split("[")[0] != name}
    monkeypatch.setattr(calls, "CALLS", fewer)
    assert missing() == [name]


def test_no_name_is_both_called_and_not() -> None:
    assert set(calls.NOT_CALLED) & set(calls.CALLS) == set()


@pytest.mark.parametrize("name", sorted(calls.NOT_CALLED))
def test_what_is_not_called_exists(name: str) -> None:
    assert calls.resolve(name) is not None
