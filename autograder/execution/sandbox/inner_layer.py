"""The inner sandbox layer: what a forked worker builds around itself before a student's code runs.

The template's layer (bubblewrap) is the same for a whole class; this one keeps students from each
other and from the template: own user, mount, pid, ipc, net and uts namespaces, own /tmp, /work,
/dev and /proc, no capabilities, no way to new ones, limits, and a seccomp filter.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass

from . import syscalls

_CLONE_NEWNS, _CLONE_NEWCGROUP, _CLONE_NEWUTS = 0x20000, 0x02000000, 0x04000000
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = (
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_ALL_NEW = (
    _CLONE_NEWUSER
    | _CLONE_NEWNS
    | _CLONE_NEWPID
    | _CLONE_NEWIPC
    | _CLONE_NEWNET
    | _CLONE_NEWUTS
    | _CLONE_NEWCGROUP
)
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_KEPT_TIMES = 1024 | 2048  # NOATIME and NODIRATIME; relatime is what is meant by neither
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_MIB = 2**20
SNAPSHOT = "/opt/proc"
"""In place of /proc's files about the machine; an empty ``file`` and ``folder`` for the others."""
_FOLDERS = (("/tmp", 256), ("/work", 256), ("/dev/shm", 64))  # and their size in MiB
# No /dev/zero: a shared mapping of it is memory that no process is charged for.
_DEVICES = ("null", "full", "random", "urandom", "tty")
_TERMINALS = 16  # at most, of a submission's own
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


@dataclass(frozen=True)
class ResourceLimits:
    """What one submission may use; memory is also watched from outside, for the whole tree."""

    memory: int = 2048 * _MIB  # bytes that its processes hold beyond the template's
    processes: int = 32  # processes and threads
    files: int = 128  # open at once
    file_size: int = 256 * _MIB
    signals: int = 256  # queued, and timers, which the kernel counts by account
    seconds: int = 3600  # of computing, for each process: the deadlines come long before


_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    encoded = kind.encode() if kind else None
    done = _libc.mount(source.encode(), target.encode(), encoded, flags, data.encode() or None)
    _check(done, f"mount {target}")


def _prctl(option: int, *values: int) -> int:
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return int(_libc.prctl(option, *padded))


def enter_own_mounts() -> None:
    """A mount namespace of this process's own (needs root)."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def mount_memory(folder: str) -> None:
    """Put an empty folder in memory over a folder."""
    _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")


def mount_bind(source: str, target: str) -> None:
    """Show a folder or file at a second place."""
    _mount(source, target, None, _MS_BIND | _MS_REC)


def enter_namespaces() -> None:
    """Enter new namespaces; the next fork is process 1 of the new pid namespace."""
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(_ALL_NEW), "unshare")
    for path, text in (
        ("/proc/self/setgroups", "deny"),
        ("/proc/self/uid_map", f"{uid} {uid} 1"),
        ("/proc/self/gid_map", f"{gid} {gid} 1"),
    ):
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def isolate(limits: ResourceLimits, *, counted: bool) -> None:
    """In process 1 of the new namespaces: own folders, then give everything up for good.

    Parameters
    ----------
    limits : what the submission may use.
    counted : whether a control group counts the memory, of whatever kind it is.
    """
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _make_devices()
    for folder, size in _FOLDERS:
        data = f"size={size}m,nr_inodes=20000,mode=0700"
        _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, data)
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _cover_machine()
    os.chdir("/work")
    drop_capabilities()
    set_resource_limits(limits)
    syscalls.install(shared_memory=counted)


def _make_devices() -> None:
    """A /dev of its own: terminals of others can be neither seen nor used up."""
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES}
    _mount("tmpfs", "/dev", "tmpfs", _MS_NOSUID, "size=64k,mode=0755")
    for name, fd in devices.items():
        os.close(os.open(f"/dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        mount_bind(f"/proc/self/fd/{fd}", f"/dev/{name}")
        os.close(fd)
        _allow_no_change(f"/dev/{name}")
    for folder in ("pts", "shm"):
        os.mkdir(f"/dev/{folder}")
    data = f"newinstance,ptmxmode=0666,mode=0600,max={_TERMINALS}"
    _mount("devpts", "/dev/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, data)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    _mount("none", "/dev", None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID)


def _allow_no_change(device: str) -> None:
    """Make a mount of a device read-only: it works as before, and its times stay as they are.

    Whoever may write to a device may also set its times, which all the machine sees.
    """
    # What the outer layer took from the mount can't be given back.
    flags = os.statvfs(device).f_flag & (_MS_NOSUID | _MS_NOEXEC | _KEPT_TIMES)
    _mount("none", device, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | flags)


def _cover_machine() -> None:
    """Show nothing of /proc but the processes inside: the rest tells what the others do.

    How busy the machine is can be changed by one submission and read by another.
    """
    shown = set(os.listdir(SNAPSHOT)) - {"file", "folder"}
    for entry in list(os.scandir("/proc")):
        if entry.name.isdigit() or entry.is_symlink():
            continue
        empty = "folder" if entry.is_dir() else "file"
        mount_bind(f"{SNAPSHOT}/{entry.name if entry.name in shown else empty}", entry.path)


def drop_capabilities() -> None:
    """Drop every capability, and the way to any, for this process and all it starts."""
    capability = 0
    while _prctl(_PR_CAPBSET_DROP, capability) == 0:
        capability += 1
    _check(_prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL), "clear ambient capabilities")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _check(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")


def set_resource_limits(limits: ResourceLimits) -> None:
    """Resource limits; they hold for each process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    for name, value in (
        ("AS", mapped + limits.memory + 512 * _MIB),
        ("NPROC", limits.processes),
        ("NOFILE", limits.files),
        ("FSIZE", limits.file_size),
        ("CPU", limits.seconds),
        ("CORE", 0),
        ("MSGQUEUE", 0),
        ("SIGPENDING", limits.signals),
        ("MEMLOCK", _MIB),
    ):
        which = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def die_with_parent(parent: int = 0) -> None:
    """Have the kernel end this process with the thread that started it, where it can.

    ``parent``: its process, which may be gone by now.
    """
    if sys.platform != "linux":
        return
    _check(_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), "PDEATHSIG")
    if parent and os.getppid() != parent:
        os._exit(0)


def close_all_but(keep: set[int]) -> None:
    """Close every open file but those."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue  # the one that listed the folder
