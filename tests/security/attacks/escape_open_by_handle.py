"""Opens files by handles that it makes up: the way out of a container that knows no paths."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]

found, looked = [], 0
for path in ("/", "/usr", "/work", "/etc"):
    handle, mount = Handle(128), ctypes.c_int()
    looked += 1
    got = syscall(303, -100, ctypes.c_char_p(path.encode()), ctypes.byref(handle), ctypes.byref(mount), 0)
    anchor = os.open("/", os.O_RDONLY)
    for inode in range(1, 30):
        looked += 1
        if got < 0:
            handle = Handle(8, 1)
            handle.data[0] = inode
        if syscall(304, anchor, ctypes.byref(handle), 0) >= 0:
            found.append(f"{path} {inode}")
verdict(found, looked)
{{RIGHT}}
"""
}
