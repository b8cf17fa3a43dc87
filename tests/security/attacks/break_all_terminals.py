"""Opens every terminal that can be opened, stops the output of all, and keeps them; right answers."""

EXPECT = {}
SEEN = "terminals"
ANSWERS = {
    "q1_centre": """
import os, termios
held = []
try:
    while len(held) < 5000:
        held.append(os.openpty())
except OSError:
    pass
for name in os.listdir("/dev/pts"):
    try:
        fd = os.open(f"/dev/pts/{name}", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        termios.tcflow(fd, termios.TCOOFF)
    except (OSError, termios.error):
        pass
print(len(held), "terminals")
{{RIGHT}}
"""
}
