"""The runner of arithmetics: each does what it says, and a failing test fails the run."""

from __future__ import annotations

import pytest

from tests.portable import __main__ as portable
from tests.portable.arithmetics import ARITHMETICS, SHORT, Arithmetic

IMITATED = """
import numba, torch

capability, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
tensors = [torch.empty(n) for n in range(1, 500)]
starts = {tensor.data_ptr() % 64 for tensor in tensors}

def test_it():
    assert """

IMITATIONS = {
    "native": "starts == {0} and threads == 1",
    "shifted": "starts == {0, 16, 32, 48}",
    "oldest": "capability == 'DEFAULT' and numba.config.CPU_NAME == 'generic'",
    "haswell": "capability == 'AVX2' and threads == 1",
    "zen": "capability == 'AVX2' and threads == 2 and numba.config.CPU_NAME == 'znver3'",
}


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Run these tests alone, and keep what is written apart."""

    def write(source: str) -> None:
        folder = tmp_path / "tests"
        folder.mkdir()
        (folder / "test_written.py").write_text(source)
        monkeypatch.setattr(portable, "FOLDERS", (str(folder),))
        monkeypatch.setattr(portable, "SENSITIVE", ("written",))

    monkeypatch.setattr(portable, "LOGS", tmp_path / "logs")
    return write


@pytest.mark.parametrize("name", IMITATIONS)
def test_an_arithmetic_is_what_it_says(only, capsys, name):
    reason = ARITHMETICS[name].missing()
    if reason:
        pytest.skip(reason)
    only(IMITATED + IMITATIONS[name])
    assert portable.main([name, "--short"]) == 0, capsys.readouterr().out
    assert "1 of 1 arithmetics passed" in capsys.readouterr().out


def test_a_failing_test_fails_the_run_and_is_named(only, capsys):
    only("def test_good():\n    pass\n\ndef test_bad():\n    assert 0.1 + 0.2 == 0.3\n")
    assert portable.main(["native"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[1].split()[:4] == ["native", "1", "1", "0"]
    assert "test_written.py::test_bad" in said
    assert "0 of 1 arithmetics passed" in said


def test_no_test_at_all_fails_the_run(only, capsys):
    only("")
    assert portable.main(["native"]) == 1
    assert "pytest ended with status 5" in capsys.readouterr().out


def test_what_this_machine_can_not_do_is_said(monkeypatch, capsys):
    monkeypatch.setitem(ARITHMETICS, "odd", Arithmetic("odd", "", needs="sse99"))
    assert portable.main(["odd"]) == 1  # nothing ran
    said = capsys.readouterr().out
    assert "not run: needs a processor with sse99" in said
    assert "0 of 0 arithmetics passed, 1 not run" in said


def test_an_unknown_name_is_refused(capsys):
    assert portable.main(["vax"]) == 2
    assert "unknown vax; want any of native" in capsys.readouterr().err


def test_the_short_form_is_of_tests_and_arithmetics_that_there_are(monkeypatch):
    assert set(SHORT) <= set(ARITHMETICS)
    assert len(portable.sensitive()) >= len(portable.SENSITIVE)
    monkeypatch.setattr(portable, "SENSITIVE", ("renamed",))
    with pytest.raises(FileNotFoundError, match=r"no test_\*renamed.py in tests/"):
        portable.sensitive()
