"""Forks processes that hold shared anonymous memory, which is no process's own."""

EXPECT = {"q1": 0}  # ended by its memory or, on a slow machine, by its time
ANSWERS = {
    "q1_centre": """
import mmap, os, time

def centre(X):
    populate = 23  # MADV_POPULATE_WRITE
    for _ in range(2):
        if not os.fork():
            shared = mmap.mmap(-1, 1300 * 2**20)
            shared.madvise(populate)
            time.sleep(60)
            os._exit(0)
    time.sleep(60)
    return X - X.mean(dim=0)
"""
}
