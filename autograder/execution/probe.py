"""Before the first submission: is there a sandbox, and does it hold? Fails closed.

The trial child goes into the very sandbox that students' code will run in, and looks at it from
inside: what the kernel says it may do, and what happens when it tries.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.errors import CourseError, EngineError
from autograder.execution import bubblewrap
from autograder.execution.fork_servers import ForkServerProcess, start_template
from autograder.execution.mounts import here, read_mounts, ways_to
from autograder.execution.sandbox import syscalls
from gradekit.protocol.client import Client, WorkerLost
from gradekit.protocol.codec import CodecError

_WAY_OUT = "or run with --unsafe, which lets students' code do whatever you may do"
_INSTALL = (
    "make the environment anew (make env), which brings its own, or install bubblewrap "
    "(on Debian and Ubuntu: sudo apt-get install bubblewrap)"
)

# Runs inside and answers {what was found wrong}; each line is one promise.
_SELF_CHECK = """
def _self_check(canary, version):
    import ctypes, os, resource, socket, sys
    wrong = []
    if sys.version != version:
        wrong.append(f"its Python is {sys.version} and the grader's is {version}")
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    if any(int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")):
        wrong.append("capabilities are left")
    if status["NoNewPrivs"].strip() != "1":
        wrong.append("new privileges can be had")
    if status["Seccomp"].strip() != "2":
        wrong.append("system calls are not filtered")
    if os.getuid() == 0:
        wrong.append("it runs as root")
    if os.getpid() != 1:
        wrong.append("it sees other processes")
    if os.path.exists(canary):
        wrong.append("it sees the grader's files")
    for folder in ("/", "/usr", "/opt", "/dev", "/etc"):
        if os.access(folder, os.W_OK):
            wrong.append(f"{folder} can be written")
    if os.listdir("/work") or os.listdir("/tmp"):
        wrong.append("its folders are not empty")
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
        wrong.append("it has sockets to a network")
    except OSError:
        pass
    if len(open("/proc/net/dev").readlines()) > 3:
        wrong.append("it has network devices")
    if ctypes.CDLL(None).unshare(0x10000000) == 0:
        wrong.append("it can make namespaces")
    for name in ("AS", "NPROC", "NOFILE", "FSIZE", "CPU"):
        if resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0] == resource.RLIM_INFINITY:
            wrong.append(f"there is no limit of {name}")
    return wrong
"""


# Inside: what it sees of the file systems, and which paths it can open. Paths are bytes, and cross
# as texts in which each byte is a character.
_LOOK = """
def _mounts():
    with open("/proc/self/mountinfo", "rb") as file:
        return file.read().decode("latin-1")

def _opened(paths):
    import os
    def can_open(path):
        if os.access(path, os.X_OK) and os.path.isdir(path):
            return True  # by name, whether or not the names can be listed
        try:
            os.close(os.open(path, os.O_RDONLY))
        except (OSError, ValueError):
            return False
        return True
    return [path for path in paths if can_open(path.encode("latin-1"))]
"""


def require_hidden(server: ForkServerProcess, paths: Iterable[Path]) -> None:
    """CourseError when a child of the template can open one of some files or folders.

    Whatever way leads there: the file's own path, a link, or another place at which a part of its
    file system is shown inside.
    """
    with _child(server) as client:
        ran = client.run(_LOOK, 30)
        if ran.error:
            raise EngineError(": ".join(ran.error))
        inside = client.resolve_names(["_mounts", "_opened"])
        mounts = read_mounts(os.fsdecode(inside["_mounts"]().encode("latin-1")))
        outside = here()
        ways = {way: path for path in paths for way in ways_to(path, outside, mounts)}
        opened = inside["_opened"]([os.fsencode(way).decode("latin-1") for way in sorted(ways)])
    if opened:
        way = os.fsdecode(str(opened[0]).encode("latin-1"))
        place = "" if way == str(ways[way].absolute()) else f", as {way}"
        raise CourseError(
            f"students' code could read {ways[way]}{place}: it lies in a folder that the sandbox "
            "shows (the system's programs, Python and its packages, data sets); move it elsewhere"
        )


def require_sandbox() -> str:
    """Path of a bubblewrap that holds, after a trial; CourseError says what is missing.

    The system's bubblewrap is tried first: it may be too old, and then the environment's does.
    """
    if sys.platform != "linux":
        raise CourseError(
            f"the sandbox needs Linux, and this is {sys.platform}; grade on Linux, {_WAY_OUT}"
        )
    if not syscalls.supported():
        raise CourseError(
            "the filter of system calls is written for x86_64 and aarch64, not for "
            f"{os.uname().machine}; grade on one of those, {_WAY_OUT}"
        )
    faults: list[CourseError] = []
    for bwrap in bubblewrap.installed():
        try:
            _require_isolation(bwrap)
        except CourseError as error:
            faults.append(error)
        else:
            return bwrap
    if faults:
        raise faults[0]
    raise CourseError(f"there is no bwrap on this machine: {_INSTALL}, {_WAY_OUT}")


def _require_isolation(bwrap: str) -> None:
    """Raise CourseError unless a sandbox made by this bubblewrap holds."""
    try:
        wrong = _trial(bwrap)
    except EngineError as error:
        raise CourseError(_explained(str(error))) from error
    if wrong:
        raise CourseError(
            f"the sandbox does not hold on this machine ({'; '.join(wrong)}); "
            f"grade on another, {_WAY_OUT}"
        )


def _explained(reason: str) -> str:
    help_ = "allow user namespaces to ordinary users"
    if "TMPDIR" in reason:
        help_ = "for instance TMPDIR=/tmp"
    elif "proc" in reason:
        help_ = "grade outside of a container, or in one that shows an unmasked /proc"
    return f"the sandbox can't be set up ({reason}); {help_}, {_WAY_OUT}"


def _trial(bwrap: str) -> list[str]:
    """What is wrong with the sandbox, seen from inside."""
    server = start_template(given=[], hide=[], memory=2**30, seconds=60, bwrap=bwrap)
    try:
        return _run_self_check(server)
    finally:
        server.close()


def _run_self_check(server: ForkServerProcess) -> list[str]:
    with _child(server) as client, tempfile.NamedTemporaryFile(prefix="canary-") as canary:
        ran = client.run(_SELF_CHECK, 30)
        if ran.error:
            raise EngineError(": ".join(ran.error))
        wrong = client.resolve_names(["_self_check"])["_self_check"](canary.name, sys.version)
    return [str(line) for line in wrong]


@contextlib.contextmanager
def _child(server: ForkServerProcess) -> Iterator[Client]:
    """A child of the template's; EngineError when it is lost."""
    ours, theirs = socket.socketpair()
    with theirs:
        child = server.fork(theirs.fileno(), core=min(os.sched_getaffinity(0)), memory=2**30)
    client = Client(ours, call_seconds=30)
    client.deadline = time.monotonic() + 60
    try:
        yield client
    except (WorkerLost, CodecError) as error:
        ended = server.end(child)
        child = 0
        raise EngineError(ended["setup_error"] or f"the trial process {error}") from error
    finally:
        client.close()
        if child:
            server.end(child)
