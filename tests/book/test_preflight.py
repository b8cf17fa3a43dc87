"""What can't work on a machine is said in one sentence, before anything is installed or built."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple

import pytest

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def preflight(tool, tmp_path, monkeypatch):
    """The script, for a repository without an environment on a machine where all is well."""
    script = tool("preflight")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script.sys, "version_info", (3, 12, 1))
    monkeypatch.setattr(script.sys, "platform", "linux")
    monkeypatch.setattr(script.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    monkeypatch.setattr(script.shutil, "disk_usage", lambda path: Usage(9e9, 0, 9e9))
    monkeypatch.setattr(script, "_printed", lambda command: "0")
    return script


@pytest.fixture
def says(preflight, capsys):
    """The exit status and what is said, which is at most one line."""

    def run(*arguments):
        status = preflight.main(list(arguments))
        out, err = capsys.readouterr()
        assert (out + err).count("\n") <= 1
        assert bool(err) == (status != 0)
        return status, (out + err).strip()

    return run


def test_an_old_python_can_read_the_script(root):
    source = (root / "book" / "tools" / "preflight.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    futures = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not any(node.module == "__future__" for node in futures)


def test_nothing_is_said_where_all_is_well(says):
    assert says("--course") == (0, "")


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0), (2, 7, 18), (4, 0, 0)])
def test_another_python_is_named_with_the_wanted_ones(says, preflight, monkeypatch, version):
    monkeypatch.setattr(preflight.sys, "version_info", version)
    monkeypatch.setattr(preflight.sys, "executable", "/usr/bin/python3")
    found = ".".join(map(str, version))
    wanted = f"Python 3.11 to 3.13 is needed, and /usr/bin/python3 is {found}; "
    assert says() == (2, f"error: {wanted}install one of those")


@pytest.mark.parametrize("works", [("python3.11",), ("python3.11", "python3.12")])
def test_a_python_that_would_do_is_named(says, preflight, monkeypatch, works):
    """One that is on PATH but does not start, or makes no environments, would not do."""
    monkeypatch.setattr(preflight.sys, "version_info", (3, 10, 14))
    monkeypatch.setattr(preflight.shutil, "which", lambda name: f"/bin/{name}")
    answers = {f"/bin/{name}": name.removeprefix("python").replace(".", " ") for name in works}
    monkeypatch.setattr(preflight, "_printed", lambda command: answers.get(command[0], ""))
    status, text = says()
    assert status == 2
    assert text.endswith(f"; {works[-1]} is here as well: make PYTHON={works[-1]}")


@pytest.mark.parametrize("content", [b"no program", b"#!/bin/sh\nprintf '\\377'\n"])
def test_a_broken_python_on_the_path_is_passed_over(tool, monkeypatch, tmp_path, content):
    script = tool("preflight")
    for minor in (11, 12, 13):
        program = tmp_path / f"python3.{minor}"
        program.write_bytes(content)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert script.other_python() == ""


@pytest.mark.parametrize("name", [".", ".venv", "_build"])
def test_a_folder_that_cannot_be_written_is_named(says, preflight, monkeypatch, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr(preflight.os, "access", lambda path, mode: path != str(folder))
    status, text = says()
    assert status == 2
    assert text.startswith(f"error: {folder} can't be written; ")


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_that_makes_no_environments(says, preflight, monkeypatch, missing):
    find = {"venv": 1, "ensurepip": 1, missing: None}.get
    monkeypatch.setattr(preflight.importlib.util, "find_spec", find)
    status, text = says()
    assert status == 2
    assert text.startswith(f"error: {sys.executable} can't make environments")
    assert "apt-get install python3.12-venv" in text


@pytest.mark.parametrize(
    ("environment", "free", "status"),
    [(False, 3.6, 0), (False, 3.1, 2), (True, 0.4, 0), (True, 0.2, 2)],
)
def test_a_disk_too_small(says, preflight, monkeypatch, tmp_path, environment, free, status):
    (tmp_path / ".venv").mkdir()  # also where the install broke off
    if environment:
        (tmp_path / ".venv" / ".installed").touch()
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(9e9, 0, free * 1e9))
    found, text = says()
    assert found == status
    if status:
        needed = "0.3 are needed (the build takes" if environment else "3.2 are needed (the env"
        assert f"{tmp_path} has {free} GB free, and {needed}" in text


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (("sys.platform", "darwin"), "its sandbox needs Linux, and this is darwin"),
        (("platform.machine", lambda: "riscv64"), "x86_64 or aarch64, and this is riscv64"),
        (("_printed", lambda command: str(errno.EPERM)), "Operation not permitted"),
        (("_printed", lambda command: str(errno.ENOSPC)), "No space left on device"),
    ],
)
def test_where_only_grading_cannot_work_all_else_goes_on(
    says, preflight, monkeypatch, spoil, reason
):
    name, value = spoil
    owner, _, attribute = name.rpartition(".")
    monkeypatch.setattr(getattr(preflight, owner) if owner else preflight, attribute, value)
    status, text = says("--course")
    assert status == 0
    assert text.startswith("note: nothing can be graded on this machine (")
    assert reason in text
    assert says() == (0, "")  # `make env` does not grade


def test_a_trial_that_fails_itself_shows_nothing(says, preflight, monkeypatch):
    monkeypatch.setattr(preflight, "_printed", lambda command: "")
    assert says("--course") == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="user namespaces are Linux's")
def test_a_machine_without_user_namespaces_is_noticed(root):
    """As in a container: a user namespace of ours allows none below it."""
    script = root / "book" / "tools" / "preflight.py"
    run = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$1" --course'
    done = subprocess.run(
        ["unshare", "--map-root-user", "sh", "-c", run, sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("note: nothing can be graded on this machine (")
    assert "user namespaces" in done.stdout
    allowed = subprocess.run(
        [sys.executable, str(script), "--course"], capture_output=True, text=True, check=True
    )
    assert allowed.stdout == ""


@pytest.fixture
def checkout(root, tmp_path):
    """What of a fresh checkout the first commands need."""
    folder = tmp_path / "a checkout"
    (folder / "book" / "tools").mkdir(parents=True)
    shutil.copy(root / "book" / "tools" / "preflight.py", folder / "book" / "tools")
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(root / name, folder)
    return folder


def make(folder, *arguments):
    """A make of its own, also when another one runs the tests."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["course", "test"])
@pytest.mark.parametrize(
    ("python", "message"),
    [
        (None, "there is none called "),
        ("exit 1", "there is none called "),
        ("echo 'error: too old' >&2; exit 2", "there is none called "),
        ('[ "$1" = -c ] || { echo "error: $1 says no" >&2; exit 2; }', "preflight.py says no"),
    ],
)
def test_make_says_it_first_and_installs_nothing(checkout, target, python, message):
    """Without a Python, with one that does not start, with an ancient one, and with an old one."""
    program = checkout.parent / "python"
    if python is not None:
        program.write_text(f"#!/bin/sh\n{python}\n")
        program.chmod(0o755)
    done = make(checkout, target, f"PYTHON={program}")
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert message in said[0]
    assert done.stdout == ""
    assert not (checkout / ".venv").exists()


def test_make_course_looks_before_it_starts_and_ends_with_the_demo_class(checkout):
    """With an environment that is there: its Python is asked, in this order, and only that one."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    (checkout / ".venv" / ".installed").touch()
    done = make(checkout, "--silent", "course", "PYTHON=/nonexistent")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "book/tools/preflight.py --course",
        "-m autograder release",
        "book/tools/build.py",
        "book/tools/demo_class.py",
    ]
