"""Children fill a shared mapping and end: its pages are in no process's memory, and stay."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import mmap, os

def centre(X):
    shared = mmap.mmap(-1, 3500 * 2**20)
    for at in range(0, len(shared), 100 * 2**20):
        if not os.fork():
            shared.madvise(23, at, 100 * 2**20)  # MADV_POPULATE_WRITE
            os._exit(0)
        os.wait()
    return X - X.mean(dim=0)
"""
}
