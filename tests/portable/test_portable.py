"""The runner of arithmetics: each does what it says, and a failing test fails the run."""

from __future__ import annotations

import pytest

from tests.portable import __main__ as portable
from tests.portable.arithmetics import ARITHMETICS, SHORT, Arithmetic

IMITATED = """
import os, numba, torch

def test_native():
    assert torch.empty(100).data_ptr() % 64 == 0

def test_shifted():
    assert all(torch.empty(n).data_ptr() % 16 == 8 for n in (3, 100, 10**6))

def test_oldest():
    assert torch.backends.cpu.get_cpu_capability() == "DEFAULT"
    assert numba.config.CPU_NAME == "generic"

def test_haswell():
    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    assert torch.get_num_threads() == 1

def test_zen():
    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    assert torch.get_num_threads() == 2
"""


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Run these tests alone, and keep what is written apart."""

    def write(source: str) -> None:
        folder = tmp_path / "tests"
        folder.mkdir()
        (folder / "test_written.py").write_text(source)
        monkeypatch.setattr(portable, "FOLDERS", (str(folder),))

    monkeypatch.setattr(portable, "LOGS", tmp_path / "logs")
    return write


@pytest.mark.parametrize("name", ["native", "shifted", "oldest", "haswell", "zen"])
def test_an_arithmetic_is_what_it_says(only, monkeypatch, capsys, name):
    reason = ARITHMETICS[name].missing()
    if reason:
        pytest.skip(reason)
    only(IMITATED)
    monkeypatch.setattr(portable, "SENSITIVE", f"test_{name}")
    assert portable.main([name, "--short", "-n", "1"]) == 0, capsys.readouterr().out
    assert "1 of 1 arithmetics passed" in capsys.readouterr().out


def test_a_failing_test_fails_the_run_and_is_named(only, capsys):
    only("def test_good():\n    pass\n\ndef test_bad():\n    assert 0.1 + 0.2 == 0.3\n")
    assert portable.main(["native", "-n", "1"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[1].split()[:4] == ["native", "1", "1", "0"]
    assert "test_written.py::test_bad" in said
    assert "0 of 1 arithmetics passed" in said


def test_no_test_at_all_fails_the_run(only, capsys):
    only("")
    assert portable.main(["native", "-n", "1"]) == 1
    assert "pytest ended with status 5" in capsys.readouterr().out


def test_what_this_machine_can_not_do_is_said(monkeypatch, capsys):
    monkeypatch.setitem(ARITHMETICS, "odd", Arithmetic("odd", "", needs="sse99"))
    assert portable.main(["odd"]) == 1  # nothing ran
    said = capsys.readouterr().out
    assert "not run: needs a processor with sse99" in said
    assert "0 of 0 arithmetics passed, 1 not run: odd" in said


def test_an_unknown_name_is_refused(capsys):
    assert portable.main(["vax"]) == 2
    assert "unknown vax; want any of native" in capsys.readouterr().err


def test_the_short_form_names_known_arithmetics():
    assert set(SHORT) <= set(ARITHMETICS)
