"""Makes new namespaces: unshare, clone and clone3 with each flag, setns to all it can open."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import glob
found, looked = [], 0
flags = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000,
         "ipc": 0x08000000, "uts": 0x04000000, "cgroup": 0x02000000, "time": 0x80}
for name, flag in flags.items():
    looked += 3
    if syscall(272, flag) == 0:
        found.append(f"unshare {name}")
    if syscall(272, flag | 0x10000000) == 0:
        found.append(f"unshare user and {name}")
    pid = syscall(56, flag | 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        found.append(f"clone {name}")
    arguments = (ctypes.c_ulong * 11)(flag | 0x10000000, 0, 0, 0, 17)
    pid = syscall(435, ctypes.byref(arguments), 88)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        found.append(f"clone3 {name}")
for path in glob.glob("/proc/[0-9]*/ns/*"):
    looked += 1
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        continue
    if syscall(308, handle, 0) == 0:
        found.append(f"setns {path}")
    os.close(handle)
verdict(found, looked)
{{RIGHT}}
"""
}
