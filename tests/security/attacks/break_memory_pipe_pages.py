"""Puts one page of each huge page into a pipe and unmaps the rest: it is held, and nobody's."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import mmap

class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

found, size = [], 64 * 2**20
block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block.madvise(14)  # MADV_HUGEPAGE
block.write(b"x" * size)
start = ctypes.addressof(ctypes.c_char.from_buffer(block))
reading, writing = os.pipe()
for at in range(0, size, 2**21):
    part = Part(start + at, 4096)
    if syscall(278, writing, ctypes.byref(part), 1, 0) > 0:
        found.append("vmsplice")
for name, call in {"splice": (275, reading, None, writing, None, 10, 0),
                   "tee": (276, reading, writing, 10, 0)}.items():
    if syscall(*call) != -1:
        found.append(name)
verdict(found, 34)
{{RIGHT}}
"""
}
