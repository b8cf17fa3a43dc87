"""Listens where another submission might be heard: terminals, locks, watches, caches, counters."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import fcntl, glob, socket, struct

def machine():
    files = {}
    for path in glob.glob("/proc/*") + glob.glob("/proc/sys/kernel/*") + glob.glob("/proc/sys/fs/*"):
        name = path.split("/")[2]
        if name.isdigit() or name in ("self", "thread-self", "mounts", "net"):
            continue
        try:
            with open(path, "rb") as file:
                files[path] = file.read(100_000)
        except OSError:
            pass
    return files

library = os.open(os.path.realpath(sys.executable), os.O_RDONLY)
found = [p for p in glob.glob("/dev/pts/*") if not p.endswith("ptmx")]
before = machine()
held = [bytes(2**20) + b"x" for _ in range(200)]
after = machine()
found += [path for path in before if before[path] != after.get(path)]
space = ctypes.create_string_buffer(8192)
for name, call in {
    "sysinfo": (99, space), "mincore": (27, ctypes.addressof(space) & ~4095, 4096, space),
    "cachestat": (451, library, space, space, 0), "inotify": (294, 0),
    "preadv2": (327, library, space, 0, 0, 0, 8), "flock": (73, library, 2),
}.items():
    if syscall(*call) >= 0:
        found.append(name)
for command, argument in ((fcntl.F_NOTIFY, 1), (fcntl.F_SETLEASE, 0),
                          (fcntl.F_GETLK, struct.pack("hhqqi", 1, 0, 0, 1, 0))):
    try:
        fcntl.fcntl(library, command, argument)
        found.append(f"fcntl {command}")
    except OSError:
        pass
verdict(found, len(before))
{{RIGHT}}
"""
}
