"""Sends signals to, and changes the limits and priorities of, every process number up to 70,000."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import resource
found, looked, mine = [], 0, {os.getpid(), os.getppid()}
for pid in range(1, 70_000):
    if pid in mine:
        continue
    looked += 1
    try:
        os.kill(pid, 0)
        if pid != 1:
            found.append(f"signal {pid}")
    except OSError:
        pass
for pid in (0, 1, os.getppid()):
    if pid in (0, os.getpid()):
        continue
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3))
        found.append(f"prlimit {pid}")
    except OSError:
        pass
verdict(found, looked)
{{RIGHT}}
"""
}
