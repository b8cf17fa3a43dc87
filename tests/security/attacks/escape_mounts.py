"""Mounts over /usr, unmounts its folders, pivots, opens trees, and leaves its root by chroot."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
def text(value):
    return ctypes.c_char_p(value.encode())

AT = -100
tries = {
    "tmpfs": (165, text("tmpfs"), text("/usr"), text("tmpfs"), 0, None),
    "bind": (165, text("/"), text("/work"), None, 4096, None),
    "remount": (165, None, text("/"), None, 32, None),
    "remount usr": (165, None, text("/usr"), None, 32 | 4096, None),
    "proc": (165, text("proc"), text("/work"), text("proc"), 0, None),
    "umount tmp": (166, text("/tmp"), 2),
    "umount proc": (166, text("/proc"), 2),
    "umount shm": (166, text("/dev/shm"), 2),
    "pivot": (155, text("/work"), text("/work")),
    "chroot": (161, text("/work")),
    "open_tree": (428, AT, text("/"), 1),
    "fsopen": (430, text("tmpfs"), 0),
    "fspick": (433, AT, text("/"), 0),
    "mount_setattr": (442, AT, text("/"), 0, ctypes.byref((ctypes.c_ulong * 4)(0, 1)), 32),
    "move_mount": (429, AT, text("/tmp"), AT, text("/work"), 0),
}
found = [name for name, call in tries.items() if syscall(*call) >= 0]
root = os.open("/", os.O_RDONLY)
try:
    os.mkdir("/work/jail")
    os.chroot("/work/jail")
    found.append("os.chroot")
except OSError:
    pass
for path in ("../../../../etc/shadow", "../" * 20 + "root", "../" * 20 + "home"):
    try:
        found += [path + str(os.listdir(os.open(path, os.O_RDONLY, dir_fd=root)))]
    except OSError:
        pass
verdict([f for f in found if not f.endswith("[]")], len(tries))
{{RIGHT}}
"""
}
