"""Forks twelve processes that each hold less than the limit and together much more."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import os, time

def centre(X):
    children = []
    for _ in range(12):
        pid = os.fork()
        if not pid:
            data = bytearray(300 * 2**20)
            for at in range(0, len(data), 4096):
                data[at] = 1
            time.sleep(60)
            os._exit(0)
        children.append(pid)
    time.sleep(2.5)
    ended = [os.waitpid(pid, os.WNOHANG)[0] for pid in children]
    if any(ended):
        raise MemoryError("some were ended")
    return X - X.mean(dim=0)
"""
}
