"""Forks processes that hold shared anonymous memory, which is no process's own."""

EXPECT = {"q1": 0}
STATUS = "stopped"
ANSWERS = {
    "q1_centre": """
import mmap, os, time

def centre(X):
    populate = 23  # MADV_POPULATE_WRITE
    children = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            shared = mmap.mmap(-1, 1300 * 2**20)
            shared.madvise(populate)
            time.sleep(60)
            os._exit(0)
        children.append(pid)
    time.sleep(1)
    ended = [os.waitpid(pid, os.WNOHANG)[0] for pid in children]
    if any(ended):
        raise MemoryError("some were ended")
    return X - X.mean(dim=0)
"""
}
