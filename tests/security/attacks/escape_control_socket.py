"""Looks for the template's control socket among files and open handles, and gives it orders."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import socket
found, looked, end = [], 0, time.monotonic() + 1.5
for top, folders, files in os.walk("/"):
    system = top in ("/", "/usr")
    folders[:] = [f for f in folders if not (system and f in ("proc", "sys", "lib", "share", "bin"))]
    folders[:] = [f for f in folders if f not in ("site-packages", "dist-packages")]
    for name in files:
        looked += 1
        path = os.path.join(top, name)
        try:
            if stat.S_ISSOCK(os.lstat(path).st_mode) or stat.S_ISFIFO(os.lstat(path).st_mode):
                found.append(path)
        except OSError:
            pass
    if time.monotonic() > end:
        break
with open("/proc/net/unix") as file:
    named = [line.split()[7:] for line in file.read().splitlines()[1:]]
found += [name for line in named for name in line]
verdict(found, looked)
{{RIGHT}}
"""
}
