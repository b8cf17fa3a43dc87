"""Two children take turns at a shared mapping and give the pages back: none has them, both can."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import mmap, os

def centre(X):
    step = 50 * 2**20
    shared = mmap.mmap(-1, 3500 * 2**20)
    for first in (0, step):
        if not os.fork():
            for at in range(first, len(shared), 2 * step):
                shared.madvise(23, at, step)
                shared.madvise(mmap.MADV_DONTNEED, at, step)
            os._exit(0)
    os.wait()
    os.wait()
    return X - X.mean(dim=0)
"""
}
