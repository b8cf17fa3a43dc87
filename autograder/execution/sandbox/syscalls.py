"""A seccomp filter: system calls that a student's code never needs and that reach into the kernel.

A list of refusals on top of namespaces without capabilities, not a sandbox by itself. A refused
call fails with EPERM, so honest code that tries one gets an exception it can read; where a library
has another way if the system says so, it gets that error. (bubblewrap takes a filter too, but the
inner layer still needs mount and unshare when bubblewrap is done.)

Among them are the calls that reach a kernel object which two submissions share: files that both
can read have one inode, with its locks, watches and cached pages. See book/decisions.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

# Number on x86_64 and on aarch64; None where the call does not exist. From the kernel's tables
# (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "personality": (135, 92),
    "sched_setaffinity": (203, 122),  # a child stays on its core, so that it can't starve others
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "syslog": (103, 116),
    "fanotify_init": (300, 262),
    "vhangup": (153, 58),
    "landlock_create_ruleset": (444, 444),
    "inotify_init": (253, None),  # tells who opens a shared file; instances are counted by account
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),  # its requests are counted for the whole machine
    "vmsplice": (278, 75),  # keeps pages that no process is charged for
    "splice": (275, 76),
    "tee": (276, 77),
    "remap_file_pages": (216, 234),
    "mincore": (27, 232),  # which pages of a shared file someone has read
    "cachestat": (451, 451),
    "sysinfo": (99, 179),  # how much memory the others use
}
# Calls that are refused in other words than EPERM.
_ANSWERED: dict[str, tuple[int | None, int | None, int]] = {
    "flock": (73, 32, errno.ENOLCK),
    # Nobody is charged for the access control lists among them, which are 64 KiB each.
    "setxattr": (188, 5, errno.ENOTSUP),
    "lsetxattr": (189, 6, errno.ENOTSUP),
    "fsetxattr": (190, 7, errno.ENOTSUP),
    "setxattrat": (463, 463, errno.ENOTSUP),
    "preadv2": (327, 286, errno.ENOSYS),  # tells what is cached; libraries fall back to preadv
    "fadvise64": (221, 223, 0),  # advice need not be taken, and this one empties shared caches
}
_FCNTL = (72, 25)
# F_GETLK, F_SETLK, F_SETLKW, and the same of open files: locks on a file that others have open.
_LOCKS = (5, 6, 7, 36, 37, 38)
_WATCHES = (1024, 1026)  # F_SETLEASE, F_NOTIFY
_DELEGATIONS = (1039, 1040)  # F_GETDELEG, F_SETDELEG: leases by another name
# F_SET_RW_HINT, F_SET_FILE_RW_HINT: kept with the inode, also where nothing can be written.
_HINTS = (1036, 1038)
_PIPE_SIZES = (1031, 1032)  # F_SETPIPE_SZ, F_GETPIPE_SZ: pages of pipes are counted by account
_MADVISE = (28, 233)
_EMPTIES_CACHE = (20, 21)  # MADV_COLD, MADV_PAGEOUT
_MERGED = (12,)  # MADV_MERGEABLE: tells whether another has a page of the same content
_MMAP = (9, 222)
_HUGE = 0x40000  # MAP_HUGETLB: there are as many for the whole machine as it was given
_SHARED_ANONYMOUS = 0x21
_SOCKET = (41, 198)
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_IOCTL = (16, 29)
_SETSOCKOPT = (54, 208)
_BUFFER_SIZES = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF and the two FORCE: memory nobody counts
_TIOCSTI = 0x5412
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{USER,PID,NET,IPC,UTS,CGROUP,NS}
_AF_UNIX = 1
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH = 0, 4  # offsets in struct seccomp_data
_ARGUMENT_0, _ARGUMENT_1, _ARGUMENT_2, _ARGUMENT_3 = 16, 24, 32, 40

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def supported() -> bool:
    """Whether the filter is written for this machine."""
    return platform.machine() in _ARCHITECTURES


def program(machine: str, *, shared_memory: bool = False) -> bytes:
    """The filter as a classic BPF program.

    Parameters
    ----------
    machine : as ``platform.machine()`` says.
    shared_memory : whether shared anonymous mappings are allowed. Their pages stay when no process
        maps them any more, so only a control group counts them.
    """
    column, arch = _ARCHITECTURES[machine]
    code: list[bytes] = []

    def emit(operation: int, value: int, then: int = 0, otherwise: int = 0) -> None:
        code.append(_instruction(operation, value, then, otherwise))

    def refuse(number: int, error: int = errno.EPERM) -> None:
        emit(_EQUAL, number, 0, 1)
        emit(_RETURN, _ERRNO | error)

    emit(_LOAD, _ARCH)
    emit(_EQUAL, arch, 1, 0)
    emit(_RETURN, _KILL)  # another architecture's calls have other numbers
    emit(_LOAD, _NUMBER)
    if machine == "x86_64":
        emit(_AT_LEAST, 0x40000000, 0, 1)  # x32 numbers
        emit(_RETURN, _ERRNO | errno.EPERM)
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            refuse(number)
    for *both, error in _ANSWERED.values():
        number = both[column]
        if number is not None:
            refuse(number, error)
    # Its flags lie in memory, out of a filter's sight: C libraries fall back to clone.
    refuse(_CLONE3[column], errno.ENOSYS)

    def by_argument(number: int, argument: int, *refusals: bytes) -> None:
        """Instructions that look at one argument of a call; what they don't refuse is allowed."""
        emit(_EQUAL, number, 0, len(refusals) + 2)
        emit(_LOAD, argument)
        code.extend(refusals)
        emit(_RETURN, _ALLOW)

    def values(refused: Sequence[int], error: int = errno.EPERM) -> list[bytes]:
        return [
            instruction
            for value in refused
            for instruction in (
                _instruction(_EQUAL, value, 0, 1),
                _instruction(_RETURN, _ERRNO | error),
            )
        ]

    no = _instruction(_RETURN, _ERRNO | errno.EPERM)
    by_argument(_CLONE[column], _ARGUMENT_0, _instruction(_ANY_BIT, _NEW_NAMESPACES, 0, 1), no)
    by_argument(_SOCKET[column], _ARGUMENT_0, _instruction(_EQUAL, _AF_UNIX, 1, 0), no)
    by_argument(_SETSOCKOPT[column], _ARGUMENT_2, *values(_BUFFER_SIZES))
    by_argument(_IOCTL[column], _ARGUMENT_1, *values([_TIOCSTI]))
    files = [*values(_LOCKS, errno.ENOLCK), *values(_WATCHES), *values(_PIPE_SIZES)]
    files += [*values(_DELEGATIONS), *values(_HINTS)]
    by_argument(_FCNTL[column], _ARGUMENT_1, *files)
    advice = [*values(_EMPTIES_CACHE), *values(_MERGED, errno.EINVAL)]
    by_argument(_MADVISE[column], _ARGUMENT_2, *advice)
    mappings = [_instruction(_ANY_BIT, _HUGE, 0, 1), no]
    if not shared_memory:
        mappings += [_instruction(_AND, _SHARED_ANONYMOUS), *values([_SHARED_ANONYMOUS])]
    by_argument(_MMAP[column], _ARGUMENT_3, *mappings)
    emit(_RETURN, _ALLOW)
    return b"".join(code)


def _instruction(operation: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, then, otherwise, value)


def install(*, shared_memory: bool = False) -> None:
    """Put the filter on this process and on all it starts; OSError when the kernel refuses.

    no_new_privs must be set before. For ``shared_memory`` see :func:`program`.
    """
    code = program(platform.machine(), shared_memory=shared_memory)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    instructions = Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(instructions), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
