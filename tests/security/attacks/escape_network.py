"""Connects to this machine, to the world and to name servers, over every kind of socket."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import socket
found, looked = [], 0
targets = [(socket.AF_INET, ("127.0.0.1", {{PORT}})), (socket.AF_INET, ("10.0.0.1", 80)),
           (socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET6, ("::1", {{PORT}})),
           (socket.AF_UNIX, "\\0fort-{{PORT}}"), (socket.AF_UNIX, "{{CANARY}}/socket"),
           (socket.AF_UNIX, "/run/dbus/system_bus_socket"), (socket.AF_UNIX, "/var/run/docker.sock")]
for family, address in targets:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        looked += 1
        try:
            with socket.socket(family, kind) as sock:
                sock.settimeout(0.2)
                sock.connect(address)
                sock.send(b"fort-escape")
                found.append(str(address))
        except (OSError, ValueError):
            pass
for family in range(1, 46):
    for kind in (1, 2, 3, 5):
        looked += 1
        try:
            socket.socket(family, kind).close()
            if family != socket.AF_UNIX:
                found.append(f"family {family} kind {kind}")
        except OSError:
            pass
try:
    with open("/proc/net/tcp") as file:
        found += file.read().splitlines()[1:]
    found += [name for name in os.listdir("/sys/class/net") if name not in ("lo",)]
except OSError:
    pass
verdict(found, looked)
{{RIGHT}}
"""
}
