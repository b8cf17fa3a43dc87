"""What attacks put into their own cells in place of {{SCAN}}: looking for the tests' canaries.

The canaries are written here so that nothing in this text, or in memory that holds it, is one.
"""

import ctypes
import os
import re
import stat
import sys
import time  # noqa: F401  attacks use it

LIBC = ctypes.CDLL(None, use_errno=True)
# A text canary, or the number that only a hidden test's source holds, as text and as a double.
CANARY = re.compile(
    rb"CANAR[Y]-[A-Z]+-[0-9a-f]{8}|2764443[7]\.0625|\x00\x00\x00\x51\x21\x5d\x7a[\x41]"
)


def sightings(data):
    return [match.group().decode("latin-1") for match in CANARY.finditer(data)]


def look_in(path, limit=2**22):
    """Canaries in a file; none when it can't be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return []
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return []
        return [f"{path}: {sight}" for sight in sightings(os.read(handle, limit))]
    except OSError:
        return []
    finally:
        os.close(handle)


def writable():
    """Every folder that something can be written into, among the mounts and near the top."""
    with open("/proc/self/mountinfo") as file:
        tops = [line.split()[4] for line in file]
    tops += ["/", ".", os.path.expanduser("~"), *sys.path, sys.prefix]
    folders = []
    for top in dict.fromkeys(os.path.realpath(top) for top in tops):
        for folder, inside, _ in os.walk(top):
            if folder.count("/") - top.count("/") > 1 or folder.startswith(("/proc", "/sys")):
                inside.clear()
            if os.access(folder, os.W_OK) and folder not in folders:
                folders.append(folder)
    return folders


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def sockets():
    """Open sockets of this process; one of them leads to whoever asks the questions."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                found.append(int(name))
        except OSError:
            pass
    return found


def syscall(number, *arguments):
    """Result of a system call, -errno when it fails."""
    LIBC.syscall.restype = ctypes.c_long
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *passed)
    return result if result >= 0 else -ctypes.get_errno()


def verdict(found, looked):
    """Say what was found, so that a test can see both: that it looked, and that there was none."""
    if found:
        print("".join(["FO", "UND "]) + repr(sorted({str(thing) for thing in found}))[:1500])
    print(f"searched {looked} places")
