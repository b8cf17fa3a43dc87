"""Looks at every open file it inherited: names, folders to climb from, what can be read."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
found, looked = [], 0
known = ("socket:", "pipe:", "anon_inode:", "/dev/null", "/work", "/tmp", "/proc")
for name in os.listdir("/proc/self/fd"):
    handle, looked = int(name), looked + 1
    try:
        path = os.readlink(f"/proc/self/fd/{name}")
        mode = os.fstat(handle).st_mode
    except OSError:
        continue
    if not path.startswith(known):
        found.append(path)
    if stat.S_ISDIR(mode) and not path.startswith("/proc"):
        for up in ("..", "../..", "../../..", "../../../.."):
            try:
                os.close(os.open(up + "/etc", os.O_RDONLY, dir_fd=handle))
                found.append(path + up)
            except OSError:
                pass
    if stat.S_ISREG(mode):
        found += sightings(os.pread(handle, 2**20, 0))
if len(sockets()) > 1:
    found.append("more than one socket")
verdict(found, looked)
{{RIGHT}}
"""
}
