"""Uses up what the kernel counts by account: watches, locks, requests, timers, signals, pipes."""

EXPECT = {}
SEEN = "tried"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import fcntl, signal, struct

def until_refused(act, most):
    count = 0
    while count < most and act() >= 0:
        count += 1
    return count

def lock(number):
    wanted = struct.pack("hhqqi", fcntl.F_RDLCK, 0, 2 * number, 1, 0)
    try:
        fcntl.fcntl(library, fcntl.F_SETLK, wanted)
    except OSError:
        return False
    return True

library = os.open(os.path.realpath(sys.executable), os.O_RDONLY)
context, timer = ctypes.c_ulong(0), ctypes.c_void_p()
counts = {
    "inotify": until_refused(lambda: syscall(294, 0), 1000),
    "inotify, old": until_refused(lambda: syscall(253), 1000),
    "fanotify": until_refused(lambda: syscall(300, 0, 0), 1000),
    "aio": until_refused(lambda: syscall(206, 1000, ctypes.byref(ctypes.c_ulong(0))), 1000),
    "locks": next((n for n in range(200_000) if not lock(n)), 200_000),
    "flock": int(syscall(73, library, 2) >= 0),
    "leases": int(syscall(72, library, 1024, 0) >= 0),
    "keys": until_refused(lambda: syscall(248, ctypes.c_char_p(b"user"), ctypes.c_char_p(b"a"),
                                          ctypes.c_char_p(b"b"), 1, -4), 1000),
    "pipe pages": int(syscall(72, os.pipe()[0], 1031, 2**20) >= 0),
}
verdict([name for name, count in counts.items() if count], len(counts))
timers = until_refused(lambda: syscall(222, 0, None, ctypes.byref(timer)), 5000)
print("tried", timers, "timers")
if timers > 1000:
    verdict(["timers"], 1)
{{RIGHT}}
"""
}
