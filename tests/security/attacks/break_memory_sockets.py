"""Fills the buffers of all the sockets that it can open: memory that no process holds."""

EXPECT = {}
SEEN = "MiB in sockets"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import socket
sent, kept, block, end = 0, [], bytes(2**16), time.monotonic() + 1.5
try:
    while time.monotonic() < end:
        kept.append(socket.socketpair())
        for side in kept[-1]:
            side.setblocking(False)
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                try:
                    side.setsockopt(socket.SOL_SOCKET, option, 2**30)
                except OSError:
                    pass
            try:
                while True:
                    sent += side.send(block)
            except BlockingIOError:
                pass
except OSError:
    pass
for pair in kept:
    for side in pair:
        side.close()
sent //= 2**20
print(sent, "MiB in sockets", "".join(["FO", "UND no limit"]) if sent > 512 else "")
{{RIGHT}}
"""
}
