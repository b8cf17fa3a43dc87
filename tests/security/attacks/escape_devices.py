"""Opens terminals, disks, memory, kvm, fuse and makes device files; pushes input into terminals."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import fcntl, glob
harmless = ("null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "fd", "shm",
            "core", "pts", "ptmx", "tty")
names = [p for p in glob.glob("/dev/*") + glob.glob("/dev/*/*")
         if p.split("/")[2] not in harmless]
names += ["/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/vda", "/dev/sda", "/dev/tty",
          "/dev/console", "/dev/net/tun", "/dev/loop-control", "/dev/nvidia0", "/dev/vsock"]
found = []
for name in names:
    try:
        os.close(os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY))
        found.append(name)
    except OSError:
        pass
found += [p for p in glob.glob("/dev/pts/*") if not p.endswith("ptmx")]
for handle in range(64):
    try:
        fcntl.ioctl(handle, 0x5412, b"x")  # TIOCSTI
        found.append(f"TIOCSTI {handle}")
    except OSError:
        pass
verdict(found, len(names))
{{RIGHT}}
"""
}
