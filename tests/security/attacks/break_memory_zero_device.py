"""Maps /dev/zero, shared: anonymous memory that does not say so to a filter of calls."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import mmap, os

def centre(X):
    zero = os.open("/dev/zero", os.O_RDWR)
    shared = mmap.mmap(zero, 3500 * 2**20)
    for at in range(0, len(shared), 100 * 2**20):
        if not os.fork():
            shared.madvise(23, at, 100 * 2**20)
            os._exit(0)
        os.wait()
    return X - X.mean(dim=0)
"""
}
