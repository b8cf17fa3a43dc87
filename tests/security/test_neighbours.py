"""Two submissions that run at the same time: one speaks or fills, the other must not notice.

A pair of texts for each kernel object that processes can share (book/decisions/011). The first acts
and says ACTED; the second, which begins a little later, says HEARD when something reached it and
SUFFERED when it could not do what any program may. Run as ordinary processes beside each other,
without a sandbox, the pairs of :data:`AUDIBLE` do hear: so that a test that hears nothing means
something.
"""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, load_assignment
from autograder.execution import control_groups
from autograder.execution.engine import SandboxEngine
from gradekit.notebook import Extra, Submission

pytestmark = pytest.mark.long

TINY = Path(__file__).parents[1] / "autograder" / "fixtures" / "ps0_tiny"
HOLD_SECONDS, START_SECONDS, MEMORY = 1.2, 0.4, 512 * 2**20

SHARED = """
import ctypes, errno, fcntl, os, select, signal, socket, struct, subprocess, sys, threading, time
LIBC = ctypes.CDLL(None, use_errno=True)
# A library that both have loaded.
FILE = max({line.split()[-1] for line in open("/proc/self/maps") if ".so" in line},
           key=os.path.getsize)

def call(number, *arguments):
    LIBC.syscall.restype = ctypes.c_long
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *passed)
    return result if result >= 0 else -ctypes.get_errno()

def until_refused(act, most=100_000):
    kept = []
    try:
        while len(kept) < most:
            kept.append(act())
    except OSError:
        pass
    return kept
"""


@dataclass(frozen=True)
class Pair:
    """What one submission does, and how another looks whether it notices."""

    act: str
    look: str


PAIRS = {
    "file lock of the whole file": Pair(
        "file = open(FILE); until_refused(lambda: fcntl.flock(file, fcntl.LOCK_EX), 1)",
        """
        try:
            fcntl.flock(open(FILE), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("HEARD")
        except OSError:
            pass
        """,
    ),
    "file lock of some bytes": Pair(
        "file = open(FILE); until_refused(lambda: fcntl.lockf(file, fcntl.LOCK_SH, 100, 17), 1)",
        """
        asked = struct.pack("hhqqi", fcntl.F_WRLCK, 0, 17, 100, 0)
        try:
            kind = struct.unpack("hhqqi", fcntl.fcntl(open(FILE), fcntl.F_GETLK, asked))[0]
            print("HEARD" if kind != fcntl.F_UNLCK else "")
        except OSError:
            pass
        """,
    ),
    "watch of a shared folder": Pair(
        """
        for _ in range(100):
            open(FILE, "rb").read(10)
            time.sleep(0.01)
        """,
        """
        watch = call(294, 0x800)  # inotify_init1
        folder = os.path.dirname(FILE).encode()
        if watch >= 0 and call(254, watch, ctypes.c_char_p(folder), 0x21) >= 0:
            time.sleep(0.6)
            print("HEARD" if select.select([watch], [], [], 0)[0] else "")
        """,
    ),
    "notice of a shared folder": Pair(
        """
        for _ in range(100):
            open(FILE, "rb").read(10)
            time.sleep(0.01)
        """,
        """
        signal.signal(signal.SIGIO, lambda *_: print("HEARD"))
        folder = os.open(os.path.dirname(FILE), os.O_RDONLY)
        try:
            fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT)
            time.sleep(0.6)
        except OSError:
            pass
        """,
    ),
    "abstract socket": Pair(
        """
        sock = socket.socket(socket.AF_UNIX)
        sock.bind("\\0fort-neighbour")
        sock.listen()
        """,
        """
        try:
            socket.socket(socket.AF_UNIX).connect("\\0fort-neighbour")
            print("HEARD")
        except OSError:
            pass
        """,
    ),
    "shared memory of System V": Pair(
        "call(29, 0x4F525400, 4096, 0o1666)",
        'print("HEARD" if call(29, 0x4F525400, 4096, 0) >= 0 else "")',
    ),
    "semaphores of System V": Pair(
        "call(64, 0x4F525401, 1, 0o1666)",
        'print("HEARD" if call(64, 0x4F525401, 1, 0) >= 0 else "")',
    ),
    "messages of System V": Pair(
        "call(68, 0x4F525402, 0o1666)",
        'print("HEARD" if call(68, 0x4F525402, 0) >= 0 else "")',
    ),
    "message queue of POSIX": Pair(
        'call(240, ctypes.c_char_p(b"fort-queue"), 0o102, 0o666, None)',
        'print("HEARD" if call(240, ctypes.c_char_p(b"fort-queue"), 0, 0, None) >= 0 else "")',
    ),
    "keyring of the account": Pair(
        'call(248, ctypes.c_char_p(b"user"), ctypes.c_char_p(b"fort-key"),'
        ' ctypes.c_char_p(b"x"), 1, -4)',
        'print("HEARD" if call(249, ctypes.c_char_p(b"user"), ctypes.c_char_p(b"fort-key"), None,'
        ' 0) >= 0 else "")',
    ),
    "file in memory": Pair(
        """
        for folder in ("/tmp", "/dev/shm", "/work", "/var/tmp"):
            try:
                open(folder + "/fort-neighbour", "w").close()
            except OSError:
                pass
        """,
        """
        print("HEARD" if any(os.path.exists(f"{folder}/fort-neighbour")
              for folder in ("/tmp", "/dev/shm", "/work", "/var/tmp")) else "")
        """,
    ),
    "text on a terminal": Pair(
        """
        mine, _ = os.openpty()
        for name in os.listdir("/dev/pts"):
            try:
                os.write(os.open(f"/dev/pts/{name}", os.O_RDWR | os.O_NOCTTY), b"fort\\n")
            except OSError:
                pass
        """,
        """
        print("HEARD" if len([name for name in os.listdir("/dev/pts") if name.isdigit()]) else "")
        """,
    ),
    "busy memory": Pair(
        """
        for _ in range(4):
            held = b"x" * 200_000_000
            time.sleep(0.1)
            del held
            time.sleep(0.1)
        """,
        """
        def seen():
            free = ctypes.create_string_buffer(256)
            call(99, free)
            files = [open(f"/proc/{name}").read() for name in ("meminfo", "vmstat", "stat")]
            return free.raw, files
        first = seen()
        for _ in range(20):
            time.sleep(0.05)
            if seen() != first:
                print("HEARD")
                break
        """,
    ),
    "pages of a shared file": Pair(
        """
        file = os.open(FILE, os.O_RDONLY)
        for _ in range(100):
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            time.sleep(0.01)
        """,
        """
        file = os.open(FILE, os.O_RDONLY)
        size = 2**20
        resident = ctypes.create_string_buffer(size // 4096)
        LIBC.mmap.restype = ctypes.c_void_p
        place = LIBC.mmap(None, size, 1, 2, file, ctypes.c_long(0))
        # 0 when the kernel answers at all; what it says then changes as others read.
        print("HEARD" if LIBC.mincore(ctypes.c_void_p(place), size, resident) == 0 else "")
        """,
    ),
    "times of a device": Pair(
        """
        for name in ("null", "full", "random", "urandom", "tty"):
            try:
                os.utime(f"/dev/{name}")
            except OSError:
                pass
        """,
        """
        print("HEARD" if any(os.stat(f"/dev/{name}").st_mtime > time.time() - 1
              for name in ("null", "full", "random", "urandom", "tty")) else "")
        """,
    ),
    "all terminals": Pair(
        "held = until_refused(os.openpty)",
        """
        !echo alive
        """,
    ),
    "all inotify instances": Pair(
        """
        held = []
        while (watch := call(294, 0)) >= 0:
            held.append(watch)
        """,
        "",
    ),
    "all processes": Pair(
        """
        def stay():
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            return pid
        held = until_refused(stay)
        """,
        """
        done = subprocess.run(["/bin/true"])
        print("SUFFERED" if done.returncode else "")
        """,
    ),
    "all signals": Pair(
        """
        for _ in range(5_000):
            sigval = ctypes.c_void_p(1)
            if LIBC.sigqueue(os.getpid(), signal.SIGRTMIN, sigval):
                break
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
        """,
        """
        timer = ctypes.c_void_p()
        print("SUFFERED" if LIBC.timer_create(0, None, ctypes.byref(timer)) else "")
        """,
    ),
    "all memory": Pair(
        """
        held = b"x" * 400_000_000
        """,
        """
        held = b"x" * 200_000_000
        """,
    ),
    "all of the disk": Pair(
        """
        try:
            for number in range(10):
                with open(f"/tmp/{number}", "wb") as file:
                    file.write(bytes(100_000_000))
        except OSError:
            pass
        """,
        """
        with open("/tmp/mine", "wb") as file:
            file.write(bytes(100_000_000))
        """,
    ),
    "all pipes": Pair(
        """
        held = until_refused(os.pipe)
        """,
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        print("SUFFERED" if os.write(writing, bytes(70_000)) < 60_000 else "")
        """,
    ),
    "all asynchronous requests": Pair(
        """
        context = ctypes.c_ulong(0)
        while call(206, 10_000, ctypes.byref(context)) >= 0:
            context = ctypes.c_ulong(0)
        """,
        "",
    ),
}
AUDIBLE = (
    "file lock of the whole file",
    "file lock of some bytes",
    "watch of a shared folder",
    "notice of a shared folder",
    "abstract socket",
    "shared memory of System V",
    "semaphores of System V",
    "messages of System V",
    "message queue of POSIX",
    "file in memory",
    "text on a terminal",
    "times of a device",
    "busy memory",
    "pages of a shared file",
)


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return load_assignment(TINY)


@pytest.fixture(scope="module")
def sandboxed(assignment: Assignment) -> Iterator[SandboxEngine]:
    with closing(SandboxEngine(memory=MEMORY)) as engine:
        engine.grade(Submission("s", assignment.name, assignment.answers), assignment)
        yield engine


@pytest.fixture(scope="module")
def uncounted(assignment: Assignment) -> Iterator[SandboxEngine]:
    """As on a machine that gives no control groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_groups, "find", lambda: None)
        with closing(SandboxEngine(memory=MEMORY)) as engine:
            engine.grade(Submission("s", assignment.name, assignment.answers), assignment)
            yield engine


@pytest.fixture(scope="module")
def open_to_all(assignment: Assignment) -> Iterator[SandboxEngine]:
    with closing(SandboxEngine(safe=False)) as engine:
        engine.grade(Submission("s", assignment.name, assignment.answers), assignment)
        yield engine


def outputs(engine: SandboxEngine, assignment: Assignment, pair: Pair) -> tuple[str, str]:
    """What the two print that are graded side by side; both must get all their points."""
    began = time.time() + START_SECONDS
    act = f"{SHARED}\n{textwrap.dedent(pair.act)}\nprint('ACTED', flush=True)\n"
    act += f"time.sleep(max(0, {began + HOLD_SECONDS} - time.time()))"
    look = f"{SHARED}\ntime.sleep(max(0, {began} - time.time()))\n{textwrap.dedent(pair.look)}\n"
    look += "print('LOOKED')"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda text: _output(engine, assignment, text), (act, look))
    assert "ACTED" in first, first
    assert "LOOKED" in second, second
    return first, second


def _output(engine: SandboxEngine, assignment: Assignment, code: str) -> str:
    extra = Extra(-1, "code", code)
    result = engine.grade(
        Submission("s", assignment.name, assignment.answers, (extra,)), assignment
    )
    assert all(test.passed for test in result.tests), result
    assert result.notebook is not None
    first = next(cell for cell in result.notebook["cells"] if cell["cell_type"] == "code")
    return "\n".join(
        out.get("text", "") or "\n".join(out.get("traceback", ())) for out in first["outputs"]
    )


@pytest.mark.parametrize("name", PAIRS)
def test_a_neighbour_neither_hears_nor_suffers(
    sandboxed: SandboxEngine, assignment: Assignment, name: str
) -> None:
    _, looked = outputs(sandboxed, assignment, PAIRS[name])
    assert "HEARD" not in looked
    assert "SUFFERED" not in looked
    assert "Error" not in looked


@pytest.mark.parametrize("name", ["all memory", "busy memory"])
def test_the_same_without_control_groups(
    uncounted: SandboxEngine, assignment: Assignment, name: str
) -> None:
    _, looked = outputs(uncounted, assignment, PAIRS[name])
    assert "HEARD" not in looked
    assert "Error" not in looked


@pytest.mark.parametrize("name", AUDIBLE)
def test_without_a_sandbox_they_would_hear(
    open_to_all: SandboxEngine, assignment: Assignment, name: str
) -> None:
    _, looked = outputs(open_to_all, assignment, PAIRS[name])
    for path in ("/tmp", "/dev/shm", "/work", "/var/tmp"):
        Path(path, "fort-neighbour").unlink(missing_ok=True)
    assert "HEARD" in looked


def test_terminals_are_a_submissions_own_and_few(
    sandboxed: SandboxEngine, assignment: Assignment
) -> None:
    code = f"{SHARED}\nprint(len(until_refused(os.openpty)))\n!tty"
    lines = _output(sandboxed, assignment, code).split()
    assert 4 <= int(lines[0]) <= 16


def test_what_is_kept_with_an_inode_or_for_the_machine_is_refused(
    sandboxed: SandboxEngine, assignment: Assignment
) -> None:
    """On a file of its own, where only the filter refuses: those of the grader's user are shared.

    A write hint stays with the inode, also on a file system that is read only; the kernel charges
    nobody for access control lists; huge pages are the machine's; equal pages of two are merged.
    """
    code = f"""{SHARED}
import mmap

file = open("/tmp/own", "wb")
entry = lambda tag, rights, who=0xFFFFFFFF: struct.pack("<HHI", tag, rights, who)
rules = [entry(1, 7), entry(2, 7, os.getuid()), entry(4, 7), entry(16, 7), entry(32, 0)]
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
huge = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000
for name, act in {{
    "hint": lambda: fcntl.fcntl(file, 1036, struct.pack("Q", 3)),
    "hint of an open file": lambda: fcntl.fcntl(file, 1038, struct.pack("Q", 3)),
    "delegation": lambda: fcntl.fcntl(file, 1040, bytes(8)),
    "list": lambda: os.setxattr("/tmp/own", "system.posix_acl_access",
                                struct.pack("<I", 2) + b"".join(rules)),
    "attribute": lambda: os.setxattr(file.fileno(), "user.name", b"x"),
    "merge": lambda: page.madvise(12),
    "huge": lambda: mmap.mmap(-1, 2**21, huge),
}}.items():
    try:
        act()
        print(name, "DONE")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
"""
    assert _output(sandboxed, assignment, code).strip().splitlines() == [
        "hint EPERM",
        "hint of an open file EPERM",
        "delegation EPERM",
        "list ENOTSUP",
        "attribute ENOTSUP",
        "merge EINVAL",
        "huge EPERM",
    ]


def test_page_tables_count_without_control_groups(
    uncounted: SandboxEngine, assignment: Assignment
) -> None:
    """Reading a page that holds nothing takes no memory of the process's, but tables to find it."""
    code = f"""{SHARED}
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
for _ in range(2):
    if not os.fork():
        break
for number in range(60_000):  # 480 MiB of tables
    at = LIBC.mmap(2**40 + number * 2**30, 4096, 1, 0x22, -1, 0)
    ctypes.c_char.from_address(at).value
time.sleep(3)
"""
    extra = Extra(-1, "code", code)
    taken = Submission("s", assignment.name, assignment.answers, (extra,))
    result = uncounted.grade(taken, assignment)
    assert result.outcome == "stopped"
    assert "it used more than 512 MiB of memory" in "".join(result.notes)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device here")
def test_no_device_maps_memory_that_is_nobodys(
    sandboxed: SandboxEngine, assignment: Assignment
) -> None:
    code = "import os\nprint(sorted(os.listdir('/dev')))"
    assert "zero" not in _output(sandboxed, assignment, code)
